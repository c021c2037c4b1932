/* The list of commands, in the order of the help: two lines for each. */
#include "cli/command.h"

extern const struct command command_demo;
extern const struct command command_bench;
extern const struct command command_workload_gen;
extern const struct command command_workload_info;
extern const struct command command_workload_convert;
extern const struct command command_workload_show;
extern const struct command command_workload_anonymise;
extern const struct command command_workload_fit;
extern const struct command command_workload_transform;
extern const struct command command_mock;
extern const struct command command_record;
extern const struct command command_sim;
extern const struct command command_engine_derive;
extern const struct command command_engine_fit;
extern const struct command command_engine_list;
extern const struct command command_engine_show;
extern const struct command command_engine_calibrate;
extern const struct command command_bill;
extern const struct command command_reconcile;
extern const struct command command_decide;
extern const struct command command_plan_capacity;
extern const struct command command_plan_fleet;
extern const struct command command_plan_forecast;
extern const struct command command_merge;
extern const struct command command_report;
extern const struct command command_diff;
extern const struct command command_prices_list;
extern const struct command command_prices_check;
extern const struct command command_prices_import;
extern const struct command command_prices_quote;
extern const struct command command_prices_invoice;
extern const struct command command_man;
extern const struct command command_completion;

/* clang-format off */
const struct command *const commands[] = {
    &command_demo,
    &command_workload_gen,
    &command_workload_info,
    &command_workload_show,
    &command_workload_convert,
    &command_workload_fit,
    &command_workload_transform,
    &command_workload_anonymise,
    &command_bench,
    &command_mock,
    &command_record,
    &command_sim,
    &command_engine_list,
    &command_engine_derive,
    &command_engine_fit,
    &command_engine_show,
    &command_engine_calibrate,
    &command_bill,
    &command_reconcile,
    &command_decide,
    &command_plan_capacity,
    &command_plan_fleet,
    &command_plan_forecast,
    &command_merge,
    &command_report,
    &command_diff,
    &command_prices_list,
    &command_prices_check,
    &command_prices_import,
    &command_prices_quote,
    &command_prices_invoice,
    &command_man,
    &command_completion,
    NULL,
};
/* clang-format on */

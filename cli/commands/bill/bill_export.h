/* farebox bill --export: the bill as a table for a spreadsheet, or as FOCUS rows.
 *
 *     struct bill_export x;
 *     if (bill_export_parse(&x, "focus", &o->focus, o->output, o->common.json, err) < 0) ...
 *     if (bill_export_check(&x, plan_count, workload_count, err) < 0) ...      // before the work
 *     bill_export_write(&x, bills, count, &notes, err);
 */
#ifndef FAREBOX_CLI_COMMANDS_BILL_BILL_EXPORT_H
#define FAREBOX_CLI_COMMANDS_BILL_BILL_EXPORT_H

#include "cli/options.h"
#include "sim/cost/focus/focus_rows.h"

enum bill_export_kind { BILL_EXPORT_NONE, BILL_EXPORT_CSV, BILL_EXPORT_FOCUS };

struct bill_export {
    enum bill_export_kind kind;
    const char *output; /* a file; "-": standard output */
    struct focus_options focus;
    char *owned[16]; /* texts of the settings */
    size_t owned_count;
};

/* name NULL: no export. `settings` are KEY=VALUE (account, account-name, sub-account, provider,
 * publisher, issuer, invoice, service). output NULL: standard output. ERR_INPUT with what would be
 * right. */
int bill_export_parse(struct bill_export *out, const char *name, const struct option_list *settings,
                      const char *output, bool json, struct error *err);
void bill_export_free(struct bill_export *x);

/* FOCUS rows are one bill's: of one plan and one workload. */
int bill_export_check(const struct bill_export *x, size_t plans, size_t workloads,
                      struct error *err);

/* True where the export goes to standard output, and no table may. */
bool bill_export_prints(const struct bill_export *x);

/* Writes the file, whole or not at all, and says so in `notes`. Nothing without an export. */
int bill_export_write(const struct bill_export *x, const struct bill *const *bills, size_t count,
                      struct buffer *notes, struct error *err);

#endif

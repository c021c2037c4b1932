/* libFuzzer entry: comma-separated values. The first byte says what the rest is: rows as such,
 * charges in FOCUS, a history of demand, an invoice of charges. */
#include "fuzzing.h"

#include "core/csv/csv.h"
#include "sim/cost/focus/focus.h"
#include "sim/cost/reconcile/invoice.h"
#include "sim/plan/forecast_history.h"

static void read_charges(const char *path)
{
    struct focus_reader r;
    struct focus_charge c;
    struct error err = {0};
    int more;
    if (focus_reader_open(&r, path, &err) < 0) {
        if (!err.message[0])
            abort();
        return;
    }
    while ((more = focus_reader_next(&r, &c, &err)) > 0)
        if (c.category >= FOCUS_CATEGORIES || c.end_ns < c.begin_ns)
            abort();
    if (more < 0 && (!err.message[0] || err.line < 1))
        abort();
    focus_reader_close(&r);
}

static void read_history(const char *path)
{
    struct demand_history h;
    struct error err = {0};
    if (demand_history_read(path, &h, &err) == 0) {
        if (h.days == 0)
            abort();
        demand_history_free(&h);
    } else if (!err.message[0]) {
        abort();
    }
}

static void read_invoice(const char *path)
{
    struct invoice v;
    struct error err = {0};
    invoice_init(&v);
    if (invoice_read(path, NULL, &v, &err) < 0 && !err.message[0])
        abort();
    invoice_free(&v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const readers[])(const char *) = {read_charges, read_history, read_invoice};
    if (size < 1)
        return 0;
    readers[data[0] % (sizeof readers / sizeof *readers)](
        fuzz_write("table.csv", data + 1, size - 1));
    return 0;
}

/* libFuzzer entry: any bytes as an invoice of our form and as a cost report. What is read must be
 * written and read again as the same. */
#include "sim/cost/reconcile/invoice.h"

#include <stdlib.h>
#include <string.h>

static void check_again(const struct invoice *v)
{
    struct buffer first, second;
    struct invoice again;
    buffer_init(&first, BUFFER_UNBOUNDED);
    buffer_init(&second, BUFFER_UNBOUNDED);
    invoice_write(v, &first);
    invoice_init(&again);
    if (invoice_read_own("again", first.data, first.length, &again, NULL) < 0)
        abort();
    invoice_write(&again, &second);
    if (first.length != second.length || memcmp(first.data, second.data, first.length) != 0)
        abort();
    invoice_free(&again);
    buffer_free(&first);
    buffer_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct invoice v;
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';
    invoice_init(&v);
    if (invoice_read_own("fuzz", text, size, &v, NULL) == 0)
        check_again(&v);
    invoice_free(&v);
    invoice_init(&v);
    invoice_read_costs("fuzz", text, size, &v, NULL);
    invoice_free(&v);
    free(text);
    return 0;
}

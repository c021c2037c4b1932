#include "sim/cost/book/plan_words.h"

void plan_put_remarks(const struct plan *plan, const struct workload *w, struct buffer *out)
{
    struct names labels;
    names_init(&labels);
    plan_labels_unseen(plan, w, &labels);
    if (plan->currency)
        buffer_add_format(out, "%s: prices in %s.\n", plan->name, plan->currency);
    for (size_t i = 0; i < labels.count; i++)
        buffer_add_format(out,
                          "%s: its prices depend on the label \"%s\", which no request has; they "
                          "are taken without the uplift.\n",
                          plan->name, names_text(&labels, (uint32_t)i));
    if (plan->charged == CHARGED_SESSION && w->count > 0 && (!w->session || w->sessions.count == 0))
        buffer_add_format(out,
                          "%s: it charges by the session, and no request says which one it belongs "
                          "to: each counts as one.\n",
                          plan->name);
    names_free(&labels);
}

void plan_put_remarks_json(const struct plan *plan, const struct workload *w,
                           struct json_writer *out)
{
    struct names labels;
    names_init(&labels);
    plan_labels_unseen(plan, w, &labels);
    if (plan->currency)
        json_pair_string(out, "currency", plan->currency);
    if (labels.count > 0) {
        json_key(out, "labels_not_seen");
        json_begin_array(out);
        for (size_t i = 0; i < labels.count; i++)
            json_put_string(out, names_text(&labels, (uint32_t)i));
        json_end_array(out);
    }
    names_free(&labels);
}

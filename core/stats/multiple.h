/* Several tests at once: Holm's correction (Holm, 1979).
 *
 * With m tests at 5% each, some finding among equal things is likely. Adjusted p-values keep the
 * chance of any false finding at 5%: with the p-values in rising order p(1) ≤ … ≤ p(m),
 * adjusted(i) = max over j ≤ i of min(1, (m − j + 1) p(j)). Nothing is assumed about how the tests
 * depend on each other.
 *
 *     double adjusted[9];
 *     multiple_holm(p_values, 9, adjusted);
 *     bool found = adjusted[i] < 0.05;
 *
 * A NaN (a test that could not be done) counts as 1, keeps its place in the family, and stays NaN.
 */
#ifndef FAREBOX_CORE_STATS_MULTIPLE_H
#define FAREBOX_CORE_STATS_MULTIPLE_H

#include <stddef.h>

/* `adjusted` may be `p_values` itself. */
void multiple_holm(const double *p_values, size_t count, double *adjusted);

#endif

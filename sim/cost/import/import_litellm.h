/* Shared by the parts of the reader of LiteLLM's map; private to sim/cost/import. */
#ifndef FAREBOX_SIM_COST_IMPORT_IMPORT_LITELLM_H
#define FAREBOX_SIM_COST_IMPORT_IMPORT_LITELLM_H

#include "sim/cost/import/import_parts.h"

/* The class that a key, without threshold and service, prices; -1 = none. */
int litellm_class(const char *key);

/* True if a key's name speaks of money. */
bool litellm_about_money(const char *key);

/* Reads the prices of some hours at im->off_peak; the entry's others have been read. */
void litellm_read_off_peak(struct import *im);

#endif

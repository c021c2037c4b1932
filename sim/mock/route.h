/* Routes: which request is for what.
 *
 *     handler = (struct connection_handler){.context = &server, .on_request = route_request, ...};
 */
#ifndef FAREBOX_SIM_MOCK_ROUTE_H
#define FAREBOX_SIM_MOCK_ROUTE_H

#include "sim/mock/connection.h"

/* `server` is a struct server. */
void route_request(void *server, struct connection *c, struct evhttp_request *request);

#endif

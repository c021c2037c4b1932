#include "mock_fixture.h"

#include <fcntl.h>
#include <sys/resource.h>

static struct mock_report stop_and_report(void)
{
    struct mock_report r;
    mock_stop(mock);
    mock_report(mock, &r);
    return r;
}

/* 0 under AddressSanitizer, which keeps freed memory for a while. */
static long resident_mib(void)
{
#ifdef __SANITIZE_ADDRESS__
    return 0;
#endif
    long total = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    ck_assert_int_eq(fscanf(f, "%ld %ld", &total, &resident), 2);
    fclose(f);
    return resident * sysconf(_SC_PAGESIZE) / (1 << 20);
}

/* The endpoint still serves. */
static void check_alive(void)
{
    struct raw_client c;
    raw_connect(&c, mock_port(mock));
    raw_post(&c, CHAT, "", ASK(",\"max_tokens\":1"));
    ck_assert(raw_read_answer(&c));
    ck_assert_int_eq(c.status, 200);
    raw_close(&c);
}

START_TEST(requests_may_come_byte_by_byte)
{
    start();
    const char *body = ASK(",\"max_tokens\":2");
    char text[1024];
    int length =
        snprintf(text, sizeof text, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n%s",
                 CHAT, strlen(body), body);
    for (int i = 0; i < length; i++)
        raw_send(&client, text + i, 1);
    ck_assert(raw_read_answer(&client));
    ck_assert_int_eq(client.status, 200);
}
END_TEST

START_TEST(bodies_may_come_chunked)
{
    start();
    const char *body = ASK(",\"max_tokens\":2");
    char text[1024];
    snprintf(text, sizeof text,
             "POST %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
             "5\r\n%.5s\r\n%zx\r\n%s\r\n0\r\n\r\n",
             CHAT, body, strlen(body) - 5, body + 5);
    raw_send_text(&client, text);
    ck_assert(raw_read_answer(&client));
    ck_assert_int_eq(client.status, 200);
}
END_TEST

START_TEST(slow_requests_are_timed_out)
{
    config.read_timeout_ns = 200 * NS_PER_MS;
    start();
    int64_t start_ns = clock_now_ns();
    raw_send_text(&client, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n");
    struct timeval tick = {0, 20000};
    setsockopt(client.fd, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof tick);
    char byte = 'a';
    while (recv(client.fd, &byte, 1, MSG_PEEK) < 0 && clock_now_ns() - start_ns < RAW_DEADLINE_NS)
        raw_send_text(&client, "x"); /* never idle, never done */
    ck_assert(raw_read_answer(&client));
    ck_assert_int_eq(client.status, 408);
    ck_assert_int_ge(clock_now_ns() - start_ns, 200 * NS_PER_MS);
    check_alive();
    ck_assert_uint_eq(stop_and_report().timed_out, 1);
}
END_TEST

START_TEST(idle_connections_are_closed)
{
    config.idle_timeout_ns = 100 * NS_PER_MS;
    start();
    ck_assert(!raw_read_head(&client));
    ck_assert(client.ended);
}
END_TEST

/* Sends up to `most` bytes after a head, as long as the server takes them. */
static size_t pour(struct raw_client *c, const char *head, size_t most, const char *piece_head)
{
    static char bytes[65536];
    memset(bytes, 'x', sizeof bytes);
    raw_send_text(c, head);
    struct timeval tick = {0, 100000};
    setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &tick, sizeof tick);
    size_t sent = 0;
    while (sent < most) {
        if (piece_head)
            raw_send_text(c, piece_head);
        ssize_t n = send(c->fd, bytes, sizeof bytes, MSG_NOSIGNAL);
        if (n <= 0)
            break;
        if (piece_head)
            raw_send_text(c, "\r\n");
        sent += (size_t)n;
    }
    return sent;
}

START_TEST(huge_bodies_get_413_and_take_no_memory)
{
    start();
    long before_mib = resident_mib();
    pour(&client, "POST " CHAT " HTTP/1.1\r\nHost: x\r\nContent-Length: 104857600\r\n\r\n",
         100 << 20, NULL);
    ck_assert(raw_read_answer(&client));
    ck_assert_int_eq(client.status, 413);
    ck_assert(raw_has(&client, "request_too_large"));
    ck_assert_int_lt(resident_mib() - before_mib, 64);
    struct raw_client other;
    raw_connect(&other, mock_port(mock));
    pour(&other, "POST " CHAT " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
         100 << 20, "10000\r\n");
    ck_assert(raw_read_answer(&other));
    ck_assert_int_eq(other.status, 413);
    raw_close(&other);
    ck_assert_int_lt(resident_mib() - before_mib, 64);
    check_alive();
}
END_TEST

START_TEST(a_body_just_over_the_limit_gets_413)
{
    config.max_body_bytes = 4096;
    start();
    struct buffer b;
    buffer_init(&b, BUFFER_UNBOUNDED);
    buffer_add_text(&b, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"");
    while (b.length < 4097)
        buffer_add_byte(&b, 'x');
    buffer_add_text(&b, "\"}]}");
    cJSON *json = ask(CHAT, b.data, 413);
    ck_assert_str_eq(text_at(json, "error.code"), "request_too_large");
    cJSON_Delete(json);
    buffer_free(&b);
    cJSON_Delete(ask(CHAT, ASK(",\"max_tokens\":1"), 200));
}
END_TEST

START_TEST(unfinished_requests_together_are_bounded)
{
    config.max_held_bytes = 1 << 20;
    start();
    struct raw_client many[20];
    unsigned refused = 0;
    for (int i = 0; i < 20; i++) {
        raw_connect(&many[i], mock_port(mock));
        pour(&many[i], "POST " CHAT " HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n",
             128 << 10, NULL);
    }
    for (int i = 0; i < 20; i++) {
        struct timeval tick = {0, 50000};
        char byte;
        setsockopt(many[i].fd, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof tick);
        if (recv(many[i].fd, &byte, 1, MSG_PEEK) == 1) {
            ck_assert(raw_read_answer(&many[i]));
            ck_assert_int_eq(many[i].status, 503);
            refused++;
        }
    }
    ck_assert_uint_ge(refused, 8); /* 2.5 MiB were offered */
    for (int i = 0; i < 20; i++)
        raw_close(&many[i]);
    check_alive();
}
END_TEST

START_TEST(pipelined_requests_are_answered_in_order)
{
    start();
    struct buffer b;
    buffer_init(&b, BUFFER_UNBOUNDED);
    for (int i = 0; i < 20; i++) {
        const char *body =
            i % 2 ? ASK(",\"max_tokens\":3,\"stream\":true") : ASK(",\"max_tokens\":3");
        buffer_add_format(&b,
                          "POST %s HTTP/1.1\r\nHost: x\r\nx-request-id: p%d\r\n"
                          "Content-Length: %zu\r\n\r\n%s",
                          CHAT, i, strlen(body), body);
    }
    raw_send(&client, b.data, b.length);
    for (int i = 0; i < 20; i++) {
        char wanted[16];
        snprintf(wanted, sizeof wanted, "p%d\r\n", i);
        ck_assert(raw_read_answer(&client));
        ck_assert_int_eq(client.status, 200);
        ck_assert_int_eq(strncmp(raw_header(&client, "x-request-id"), wanted, strlen(wanted)), 0);
    }
    buffer_free(&b);
}
END_TEST

START_TEST(a_flood_behind_a_stream_is_not_read)
{
    config.engine = engine_config_constant(2000, 1);
    start();
    raw_post(&client, CHAT, "", ASK(",\"max_tokens\":2,\"stream\":true"));
    size_t sent = pour(&client, "", 200 << 20, NULL);
    ck_assert_uint_lt(sent, 64 << 20); /* what the kernel holds, and no more */
    check_alive();
}
END_TEST

START_TEST(clients_that_vanish_leave_nothing)
{
    start();
    struct linger hard = {1, 0};
    for (int i = 0; i < 10000; i++) {
        struct raw_client c;
        raw_connect(&c, mock_port(mock));
        if (i % 4 == 1)
            raw_send_text(&c, "POST /v1/chat/comp");
        if (i % 4 == 2)
            raw_send_text(&c, "POST " CHAT " HTTP/1.1\r\nContent-Length: 1000\r\n\r\n{\"model\"");
        if (i % 4 == 3)
            raw_post(&c, CHAT, "", ASK(",\"stream\":true"));
        if (i % 3)
            setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        raw_close(&c);
    }
    check_alive();
}
END_TEST

START_TEST(an_aborted_stream_frees_its_place)
{
    config.engine = engine_config_constant(1, 50);
    start();
    struct raw_client c;
    raw_connect(&c, mock_port(mock));
    raw_post(&c, CHAT, "", ASK(",\"max_tokens\":1000,\"stream\":true"));
    ck_assert(raw_read_head(&c));
    raw_close(&c);
    int64_t deadline_ns = clock_now_ns() + RAW_DEADLINE_NS;
    do {
        raw_get(&client, "/metrics");
        ck_assert(raw_read_answer(&client));
    } while (
        !raw_has(&client,
                 "\nvllm:num_requests_running{engine=\"0\",model_name=\"farebox-mock\"} 0\n") &&
        clock_now_ns() < deadline_ns);
    ck_assert(raw_has(&client,
                      "\nvllm:num_requests_running{engine=\"0\",model_name=\"farebox-mock\"} 0\n"));
    ck_assert(raw_has(&client, "finished_reason=\"abort\"} 1\n"));
    ck_assert_uint_eq(stop_and_report().aborted, 1);
}
END_TEST

START_TEST(a_client_that_does_not_read_is_bounded_and_dropped)
{
    config.engine = engine_config_constant(0, 0);
    config.write_timeout_ns = 200 * NS_PER_MS;
    start();
    long before_mib = resident_mib();
    int small = 4096;
    setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    raw_post(&client, CHAT, "", ASK(",\"max_tokens\":400000,\"stream\":true"));
    int64_t deadline_ns = clock_now_ns() + RAW_DEADLINE_NS;
    struct raw_client c;
    raw_connect(&c, mock_port(mock));
    do {
        raw_get(&c, "/metrics");
        ck_assert(raw_read_answer(&c));
    } while (!raw_has(&c, "finished_reason=\"abort\"} 1\n") && clock_now_ns() < deadline_ns);
    ck_assert(raw_has(&c, "finished_reason=\"abort\"} 1\n"));
    raw_close(&c);
    ck_assert_int_lt(resident_mib() - before_mib, 64); /* of about 90 MiB of stream */
    ck_assert_uint_eq(stop_and_report().timed_out, 1);
}
END_TEST

START_TEST(a_slow_reader_gets_everything)
{
    config.engine = engine_config_constant(0, 0);
    start();
    raw_post(&client, CHAT, "", ASK(",\"max_tokens\":10000,\"stream\":true"));
    ck_assert(raw_read_answer(&client)); /* 2.4 MB through the socket's buffers */
    ck_assert(!client.cut);
    ck_assert_uint_eq(raw_count(&client, "\"delta\":{\"content\":"), 10000);
}
END_TEST

START_TEST(http_1_0_streams_end_with_the_connection)
{
    start();
    const char *body = ASK(",\"max_tokens\":2,\"stream\":true");
    char text[1024];
    snprintf(text, sizeof text, "POST %s HTTP/1.0\r\nContent-Length: %zu\r\n\r\n%s", CHAT,
             strlen(body), body);
    raw_send_text(&client, text);
    ck_assert(raw_read_answer(&client));
    ck_assert_ptr_null(raw_header(&client, "Transfer-Encoding"));
    ck_assert(raw_has(&client, "[DONE]\n\n"));
    ck_assert(client.ended);
}
END_TEST

START_TEST(garbage_gets_400)
{
    start();
    raw_send_text(&client, "\x16\x03\x01 hello\r\n\r\n");
    ck_assert(!raw_read_head(&client) || client.status == 400);
    check_alive();
    struct raw_client c;
    raw_connect(&c, mock_port(mock));
    raw_send_text(&c, "HEAD /health HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert(raw_read_head(&c));
    raw_get(&c, "/health"); /* no body was left in between */
    ck_assert(raw_read_answer(&c));
    ck_assert_int_eq(c.status, 200);
    raw_close(&c);
}
END_TEST

START_TEST(connections_beyond_the_limit_are_closed)
{
    config.max_connections = 3;
    start();
    struct raw_client many[6];
    unsigned closed = 0;
    for (int i = 0; i < 6; i++)
        raw_connect(&many[i], mock_port(mock));
    for (int i = 0; i < 6; i++) {
        raw_get(&many[i], "/health");
        closed += !raw_read_answer(&many[i]);
    }
    ck_assert_uint_eq(closed, 4); /* the fixture's client has one of the three */
    for (int i = 0; i < 6; i++)
        raw_close(&many[i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mock robust");
    TCase *tests = tcase_create("wild clients");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, requests_may_come_byte_by_byte);
    tcase_add_test(tests, bodies_may_come_chunked);
    tcase_add_test(tests, slow_requests_are_timed_out);
    tcase_add_test(tests, idle_connections_are_closed);
    tcase_add_test(tests, huge_bodies_get_413_and_take_no_memory);
    tcase_add_test(tests, a_body_just_over_the_limit_gets_413);
    tcase_add_test(tests, unfinished_requests_together_are_bounded);
    tcase_add_test(tests, pipelined_requests_are_answered_in_order);
    tcase_add_test(tests, a_flood_behind_a_stream_is_not_read);
    tcase_add_test(tests, clients_that_vanish_leave_nothing);
    tcase_add_test(tests, an_aborted_stream_frees_its_place);
    tcase_add_test(tests, a_client_that_does_not_read_is_bounded_and_dropped);
    tcase_add_test(tests, a_slow_reader_gets_everything);
    tcase_add_test(tests, http_1_0_streams_end_with_the_connection);
    tcase_add_test(tests, garbage_gets_400);
    tcase_add_test(tests, connections_beyond_the_limit_are_closed);
    suite_add_tcase(suite, tests);
    return testing_run(suite);
}

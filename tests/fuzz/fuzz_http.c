/* libFuzzer entry: any bytes as what a caller sends to the mock, or to the recorder in front of it.
 * The first byte chooses whom, the second into how many writes they are cut. Whatever comes, the
 * server goes on: all that it answers is HTTP, and it answers the next caller. */
#include "fuzzing.h"

#include "bench/recorder/recorder.h"
#include "core/stop.h"
#include "sim/mock/mock.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/socket.h>

#define PATIENCE_MS 100 /* a server may wait for more of a request for much longer */
#define ALIVE_EVERY 256

static struct mock *mock;
static struct recorder *recorder;

static void *serve(void *context)
{
    (void)context;
    struct error err = {0};
    recorder_run(recorder, &err);
    return NULL;
}

static void begin(void)
{
    static struct mock_config config;
    static struct recorder_config record;
    static char log[256];
    struct error err = {0};
    pthread_t thread;
    if (mock)
        return;
    mock_config_init(&config);
    config.engine = engine_config_constant(0.1, 0.01);
    config.max_output = 16;
    config.default_output = 4;
    mock = mock_create(&config, &err);
    if (!mock || mock_start(mock, &err) < 0)
        abort();
    snprintf(log, sizeof log, "%s", fuzz_path("recorded.jsonl"));
    record = (struct recorder_config){
        .listen = "127.0.0.1:0", .to = mock_url(mock), .clerk = {.path = log, .block_tokens = 16}};
    recorder = recorder_create(&record, &err);
    if (!recorder || pthread_create(&thread, NULL, serve, NULL) != 0)
        abort();
    pthread_detach(thread);
}

static int reach(uint16_t port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {0, PATIENCE_MS * 1000};
    struct linger now = {1, 0}; /* leaves no port waiting */
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof at) < 0)
        abort();
    return fd;
}

static void send_all(int fd, const char *bytes, size_t size, size_t piece)
{
    for (size_t at = 0; at < size;) {
        ssize_t n = send(fd, bytes + at, size - at < piece ? size - at : piece, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        at += (size_t)n;
    }
}

/* What comes back, its first bytes kept. */
static size_t receive(int fd, char *first, size_t most)
{
    char rest[4096];
    size_t kept = 0;
    for (;;) {
        ssize_t n =
            kept < most ? recv(fd, first + kept, most - kept, 0) : recv(fd, rest, sizeof rest, 0);
        if (n <= 0)
            return kept;
        kept += kept < most ? (size_t)n : 0;
    }
}

static void check_alive(uint16_t port)
{
    static const char ask[] = "GET /v1/models HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    char first[12];
    for (int attempt = 0; attempt < 50; attempt++) { /* a machine may be busy */
        int fd = reach(port);
        send_all(fd, ask, sizeof ask - 1, sizeof ask);
        size_t kept = receive(fd, first, sizeof first);
        close(fd);
        if (kept == sizeof first && memcmp(first, "HTTP/1.1 200", sizeof first) == 0)
            return;
    }
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned runs;
    char first[5];
    if (size < 2 || size > 1 << 16)
        return 0;
    begin();
    uint16_t port = data[0] & 1 ? recorder_port(recorder) : mock_port(mock);
    int fd = reach(port);
    send_all(fd, (const char *)data + 2, size - 2, 1 + size / (1 + data[1] % 8));
    shutdown(fd, SHUT_WR);
    size_t kept = receive(fd, first, sizeof first);
    if (memcmp(first, "HTTP/", kept) != 0)
        abort();
    close(fd);
    if (++runs % ALIVE_EVERY == 0) {
        check_alive(mock_port(mock));
        check_alive(recorder_port(recorder));
    }
    return 0;
}

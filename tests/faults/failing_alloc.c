/* For tests only, by LD_PRELOAD: memory runs out, at a place that is chosen.
 *
 *     FAILING_ALLOC_LIST=/tmp/list   each place is written there when it is met first, a line
 *                                    "HASH NUMBER ADDRESS...": the allocation's number in the run,
 *                                    and the program's own calls above it (for addr2line; 0: a
 *                                    library's)
 *     FAILING_ALLOC_AT=HASH          the first allocation at this place gives NULL
 *     FAILING_ALLOC_FROM=NUMBER      looked for from this allocation on: before it nothing costs
 *                                    time
 *     FAILING_ALLOC_ON=1             all that follow give NULL, too
 *     FAILING_ALLOC_DONE=/tmp/done   is made when it has failed
 *
 * A place is the stack of calls above an allocation, whoever makes them: the program, a library,
 * the C library. What the program starts inherits nothing of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <unwind.h>

enum { DEPTH = 48, MODULES = 64, PLACES = 1 << 16 };

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void *memalign(size_t alignment, size_t size);

struct module {
    uintptr_t start, end, base;
};

struct stack {
    int depth;
    uintptr_t at[DEPTH];
};

static struct module modules[MODULES]; /* the program itself is the first */
static int module_count;
static _Atomic uint64_t places[PLACES];
static uint64_t fails_at, from;
static bool fails_on, active;
static atomic_bool has_failed;
static atomic_ulong allocations;
static int list_fd = -1;
static const char *done;
static __thread __attribute__((tls_model("initial-exec"))) bool inside;

static int add_module(struct dl_phdr_info *info, size_t size, void *data)
{
    (void)size;
    (void)data;
    for (int i = 0; i < info->dlpi_phnum && module_count < MODULES; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + p->p_vaddr;
        if (p->p_type == PT_LOAD && (p->p_flags & PF_X))
            modules[module_count++] = (struct module){start, start + p->p_memsz, info->dlpi_addr};
    }
    return 0;
}

/* The value is the caller's from here on; children do not see it. */
static const char *take(const char *name)
{
    static char kept[2048];
    static size_t used;
    const char *value = getenv(name);
    int n = value ? snprintf(kept + used, sizeof kept - used, "%s", value) : -1;
    const char *copy = kept + used;
    if (n < 0 || (size_t)n >= sizeof kept - used)
        return NULL;
    used += (size_t)n + 1;
    unsetenv(name);
    return copy;
}

__attribute__((constructor)) static void begin(void)
{
    const char *list = take("FAILING_ALLOC_LIST"), *at = take("FAILING_ALLOC_AT"),
               *first = take("FAILING_ALLOC_FROM");
    fails_on = take("FAILING_ALLOC_ON") != NULL;
    done = take("FAILING_ALLOC_DONE");
    unsetenv("LD_PRELOAD");
    dl_iterate_phdr(add_module, NULL);
    list_fd = list ? open(list, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644) : -1;
    fails_at = at ? strtoull(at, NULL, 16) : 0;
    from = first ? strtoull(first, NULL, 10) : 0;
    active = list_fd >= 0 || fails_at;
}

static _Unwind_Reason_Code add_frame(struct _Unwind_Context *context, void *data)
{
    struct stack *s = data;
    if (s->depth == DEPTH)
        return _URC_END_OF_STACK;
    s->at[s->depth++] = _Unwind_GetIP(context);
    return _URC_NO_REASON;
}

static int module_of(uintptr_t at)
{
    for (int m = 0; m < module_count; m++)
        if (at >= modules[m].start && at < modules[m].end)
            return m;
    return -1;
}

/* The same in every run, wherever modules are loaded. */
static uint64_t hash_of(const struct stack *s)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (int i = 0; i < s->depth; i++) {
        int m = module_of(s->at[i]);
        uint64_t place = m < 0 ? 0 : (uint64_t)m << 48 ^ (s->at[i] - modules[m].base);
        hash = (hash ^ place) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 29;
    }
    return hash ? hash : 1;
}

static bool is_new(uint64_t hash)
{
    for (size_t i = hash % PLACES, tried = 0; tried < PLACES; i = (i + 1) % PLACES, tried++) {
        uint64_t none = 0;
        if (atomic_compare_exchange_strong(&places[i], &none, hash))
            return true;
        if (none == hash)
            return false;
    }
    return false;
}

static void list_place(uint64_t hash, uint64_t number, const struct stack *s)
{
    char line[48 + DEPTH * 18];
    int n = snprintf(line, sizeof line, "%016llx %llu", (unsigned long long)hash,
                     (unsigned long long)number);
    for (int i = 0; i < s->depth; i++)
        n += snprintf(line + n, sizeof line - (size_t)n, " %llx",
                      module_of(s->at[i]) == 0 ? (unsigned long long)(s->at[i] - modules[0].base)
                                               : 0);
    line[n++] = '\n';
    if (write(list_fd, line, (size_t)n) != n)
        abort();
}

static void tell(void)
{
    int fd = done ? open(done, O_WRONLY | O_CREAT | O_CLOEXEC, 0644) : -1;
    if (fd >= 0)
        close(fd);
}

static bool fails_here(uint64_t number)
{
    struct stack s = {0};
    _Unwind_Backtrace(add_frame, &s);
    uint64_t hash = hash_of(&s);
    if (list_fd >= 0 && is_new(hash))
        list_place(hash, number, &s);
    if (hash != fails_at || atomic_exchange(&has_failed, true))
        return false;
    tell();
    return true;
}

static bool fails(void)
{
    if (!active || inside)
        return false;
    if (atomic_load(&has_failed)) {
        errno = fails_on ? ENOMEM : errno;
        return fails_on;
    }
    uint64_t number = atomic_fetch_add(&allocations, 1);
    if (number < from)
        return false;
    int before = errno;
    inside = true;
    bool now = fails_here(number);
    inside = false;
    errno = now ? ENOMEM : before;
    return now;
}

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return fails() ? NULL : __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size)
{
    return fails() ? NULL : __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    int before = errno;
    void *p = memalign(alignment, size);
    errno = before;
    if (p)
        *out = p;
    return p ? 0 : ENOMEM;
}

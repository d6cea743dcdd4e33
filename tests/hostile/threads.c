/* SPDX-License-Identifier: Apache-2.0 */
/* Threads of a target: in calls of every kind, with registers that are made up. */
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "world.h"

#define FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)
#define SPIN  (-1)

/* What a thread begins with, in the order in which it takes them, and memory for its call. */
struct start {
    uint64_t rdi, rsi, rdx, r10, r8, r9, rbx, rbp, r12, r13, r14, r15, pc, sp;
    uint64_t object[8];
};
#define N_REGISTERS (offsetof(struct start, object) / sizeof(uint64_t))

/* clone() whose child takes all of its registers from memory. */
pid_t hostile_spawn(uint64_t flags, const struct start *start);
__asm__(".globl hostile_spawn\n"
        ".type hostile_spawn,@function\n"
        "hostile_spawn:\n"
        "    xor %edx, %edx\n"
        "    xor %r10d, %r10d\n"
        "    xor %r8d, %r8d\n"
        "    mov $56, %eax\n"
        "    syscall\n"
        "    test %eax, %eax\n"
        "    jz 1f\n"
        "    ret\n"
        "1:  pop %rdi\n"
        "    pop %rsi\n"
        "    pop %rdx\n"
        "    pop %r10\n"
        "    pop %r8\n"
        "    pop %r9\n"
        "    pop %rbx\n"
        "    pop %rbp\n"
        "    pop %r12\n"
        "    pop %r13\n"
        "    pop %r14\n"
        "    pop %r15\n"
        "    pop %rcx\n"
        "    pop %rsp\n"
        "    jmp *%rcx\n"
        ".size hostile_spawn, . - hostile_spawn\n"
        ".section .note.GNU-stack,\"\",@progbits\n"
        ".text\n");

/* Calls that wait, and are made again when a stop or a signal ends them. */
static const int calls[] = {
    SYS_pause,  SYS_futex,     SYS_futex,           SYS_futex, SYS_futex, SYS_poll,
    SYS_poll,   SYS_read,      SYS_recvfrom,        SYS_ppoll, SYS_futex, SYS_epoll_wait,
    SYS_select, SYS_nanosleep, SYS_clock_nanosleep, SYS_pause, SPIN};
#define N_CALLS (sizeof calls / sizeof *calls)

void threads_plant(struct world *world, uint64_t address)
{
    uint8_t stub[] = {0xb8, 0, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7}; /* mov $nr,%eax; syscall; jmp */
    unsigned call = (unsigned) choose_below(&world->choice, N_CALLS - !one_in(&world->choice, 6));

    memcpy(stub + 1, &calls[call], 4);
    if (calls[call] == SPIN)
        memcpy(stub, "\xeb\xfe", 2);
    memcpy((void *) (uintptr_t) address, stub, sizeof stub);
    world->code[world->n_code].address = address;
    world->code[world->n_code++].call = call;
}

/* A futex that looks like a mutex, held by whoever. */
static void set_futex(struct world *world, struct start *start)
{
    static const unsigned operations[] = {FUTEX_WAIT, FUTEX_WAIT_BITSET, FUTEX_WAIT,
                                          FUTEX_WAIT_BITSET};
    struct choice *choice = &world->choice;
    uint32_t words[5] = {
        2, 1, (uint32_t) (one_in(choice, 2) ? (uint64_t) getpid() : choose_evil(choice, 1)), 1,
        (uint32_t) (one_in(choice, 4) ? choose(choice) : choose_below(choice, 4))};

    start->rdi = (uintptr_t) start->object;
    if (one_in(choice, 3))
        words[0] = (uint32_t) choose_evil(choice, 2);
    memcpy((void *) (uintptr_t) start->rdi, words, sizeof words);
    start->rsi = operations[choose_below(choice, 4)] | (one_in(choice, 2) ? FUTEX_PRIVATE_FLAG : 0);
    start->rdx = words[0];
    start->r10 = 0;
    start->r9 = UINT32_MAX;
}

static void set_poll(struct choice *choice, struct start *start, int fd)
{
    struct pollfd fds[3] = {{.fd = fd}, {.fd = -1}, {.fd = -(int) choose_below(choice, 100) - 1}};

    start->rdi = (uintptr_t) start->object;
    memcpy((void *) (uintptr_t) start->rdi, fds, sizeof fds);
    start->rsi = choose_below(choice, 4);
    start->rdx = (uint64_t) -1;
    start->r10 = start->r8 = 0;
}

static void set_sleep(struct start *start, bool clock)
{
    const uint64_t time[2] = {1000000, 999999999};
    const uint64_t object = (uintptr_t) start->object;

    memcpy((void *) (uintptr_t) object, time, sizeof time);
    start->rdi = clock ? 0 : object;
    start->rsi = 0;
    start->rdx = object;
    start->r10 = 0;
}

/* Arguments with which the call waits; other registers are anything. */
static void set_call(struct world *world, struct start *start, int call)
{
    static int fds[2];

    if (!fds[0] && socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
        return;
    start->rdi = (uint64_t) fds[0];
    start->rsi = (uintptr_t) start->object;
    switch (call) {
    case SYS_futex:
        set_futex(world, start);
        break;
    case SYS_poll:
    case SYS_ppoll:
        set_poll(&world->choice, start, fds[0]);
        if (call == SYS_ppoll)
            start->rdx = 0;
        break;
    case SYS_read:
    case SYS_recvfrom:
        start->rdx = 1 + choose_below(&world->choice, 8);
        start->r10 = start->r8 = start->r9 = 0;
        break;
    case SYS_epoll_wait:
        start->rdi = (uint64_t) syscall(SYS_epoll_create1, 0);
        start->rdx = 1;
        start->r10 = (uint64_t) -1;
        break;
    case SYS_select:
        start->rdi = start->rsi = start->rdx = start->r10 = start->r8 = 0;
        break;
    case SYS_nanosleep:
    case SYS_clock_nanosleep:
        set_sleep(start, call == SYS_clock_nanosleep);
        break;
    default:
        break;
    }
}

static uint64_t choose_sp(struct world *world)
{
    struct choice *choice = &world->choice;
    size_t at = choose_below(choice, world->n_regions);
    uint64_t low = (uintptr_t) world->regions[at].data, high = low + world->regions[at].size;

    switch (choose_below(choice, 12)) {
    case 0:
        return choose_evil(choice, high);
    case 1:
        return high - choose_below(choice, 32);
    case 2:
        return low + choose_below(choice, 32);
    case 3:
        return world_address(world);
    default:
        return low + 8 * choose_below(choice, (high - low) / 8);
    }
}

static void choose_thread_name(struct choice *choice, char *name, size_t size)
{
    static const char *const names[] = {"\x1b[2J\x1b[31m",
                                        "a) R 1 (b",
                                        "\n\n",
                                        "\xe2\x80\xae"
                                        "drow",
                                        "\xff\xfe\xfd",
                                        "worker-1",
                                        "\xc2\x9b"
                                        "0m",
                                        "%n%s",
                                        "\"",
                                        "io_thread",
                                        "main",
                                        "\x7f\x01",
                                        "\t",
                                        "\xe2\x81\xa6x"};
    if (choose_below(choice, 3)) {
        (void) snprintf(name, size, "%s", names[choose_below(choice, 14)]);
        return;
    }
    for (size_t i = 0; i + 1 < size; i++)
        name[i] = (char) (1 + choose_below(choice, 255));
    name[size - 1] = '\0';
}

static void set_name(struct choice *choice, pid_t tid)
{
    char path[64], name[16];

    choose_thread_name(choice, name, sizeof name);
    (void) snprintf(path, sizeof path, "/proc/self/task/%ld/comm", (long) tid);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0 && write(fd, name, strlen(name)) >= 0)
        (void) close(fd);
}

static void make_thread(struct world *world, struct start *start)
{
    struct choice *choice = &world->choice;
    size_t at = choose_below(choice, world->n_code);
    uint64_t registers[N_REGISTERS];

    for (size_t i = 0; i < N_REGISTERS; i++)
        registers[i] = world_address(world);
    memcpy(start, registers, sizeof registers);
    set_call(world, start, calls[world->code[at].call]);
    start->pc = world->code[at].address;
    start->sp = choose_sp(world);
    pid_t tid = hostile_spawn(FLAGS, start);
    if (tid > 0)
        set_name(choice, tid);
}

void threads_make(struct world *world)
{
    struct choice *choice = &world->choice;
    uint64_t n =
        world->bomb && one_in(choice, 4) ? choose_size(choice, 2000) : choose_size(choice, 8);

    if (one_in(choice, 3))
        set_name(choice, getpid());
    /* Theirs to read, whenever they get to run. */
    struct start *starts =
        mmap(NULL, n * sizeof *starts, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (uint64_t i = 0; i < n && world->n_code && starts != MAP_FAILED; i++)
        make_thread(world, &starts[i]);
}

pid_t thread_start(void (*run)(struct world *world), struct world *world)
{
    const size_t size = 16 * PAGE;
    uint8_t *stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct start *start = (struct start *) (void *) stack;

    if (stack == MAP_FAILED)
        return -1;
    start->rdi = (uintptr_t) world;
    start->pc = (uintptr_t) run;
    start->sp = (uintptr_t) stack + size - 8; /* as behind a call */
    return hostile_spawn(FLAGS, start);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/target/descriptor.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/grow.h"
#include "base/search.h"

#define BUCKETS    1024
#define TCP_LISTEN 10 /* state column of /proc/net/tcp */

struct socket {
    unsigned long inode;
    const char *text;
};

struct known {
    struct known *next; /* in the bucket */
    int fd;
    struct sl_descriptor descriptor;
};

struct sl_descriptors {
    struct sl_target *target;
    struct sl_arena *arena;
    bool sockets_read;
    struct socket *sockets; /* ascending inode */
    size_t n_sockets, socket_capacity;
    struct known *known[BUCKETS];
};

enum sl_status sl_descriptors_new(struct sl_target *target, struct sl_arena *arena,
                                  struct sl_descriptors **ret_descriptors, struct sl_error *err)
{
    struct sl_descriptors *descriptors = calloc(1, sizeof *descriptors);
    if (!descriptors)
        return sl_fail(err, SL_ENOMEM, "out of memory for descriptors");
    descriptors->target = target;
    descriptors->arena = arena;
    *ret_descriptors = descriptors;
    return SL_OK;
}

void sl_descriptors_free(struct sl_descriptors *descriptors)
{
    if (!descriptors)
        return;
    free(descriptors->sockets);
    free(descriptors); /* the rest is the arena's */
}

/* An address as the kernel prints it: hexadecimal words of the host's byte order. */
static bool format_address(const char *hex, unsigned port, char *text, size_t size)
{
    uint32_t words[4] = {0};
    size_t n = strlen(hex) / 8;
    char address[INET6_ADDRSTRLEN];

    if (n != 1 && n != 4)
        return false;
    for (size_t i = 0; i < n; i++)
        if (sscanf(hex + 8 * i, "%8" SCNx32, &words[i]) != 1)
            return false;
    const uint32_t mapped[3] = {0, 0, htonl(0xffff)}; /* ::ffff:a.b.c.d */
    bool is_mapped = n == 4 && memcmp(words, mapped, sizeof mapped) == 0;
    if (n == 1 || is_mapped)
        (void) inet_ntop(AF_INET, n == 1 ? &words[0] : &words[3], address, sizeof address);
    else
        (void) inet_ntop(AF_INET6, words, address, sizeof address);
    (void) snprintf(text, size, n == 1 || is_mapped ? "%s:%u" : "[%s]:%u", address, port);
    return true;
}

bool sl_socket_parse_inet(const char *line, const char *protocol, unsigned long *ret_inode,
                          char *ret_text, size_t size)
{
    char local[33], remote[33], address[80];
    unsigned local_port, remote_port, state;
    unsigned long inode;

    if (sscanf(line, " %*d: %32[0-9A-F]:%x %32[0-9A-F]:%x %x %*x:%*x %*x:%*x %*x %*u %*d %lu",
               local, &local_port, remote, &remote_port, &state, &inode) != 6 ||
        !inode)
        return false;
    bool connected = remote_port != 0;
    if (!format_address(connected ? remote : local, connected ? remote_port : local_port, address,
                        sizeof address))
        return false;
    bool listening = state == TCP_LISTEN && strcmp(protocol, "TCP") == 0;
    (void) snprintf(ret_text, size, "%s %s%s", protocol, address, listening ? " (listening)" : "");
    *ret_inode = inode;
    return true;
}

/* "Num: RefCount Protocol Flags Type St Inode Path" */
static bool parse_unix(const char *line, unsigned long *ret_inode, char *text, size_t size)
{
    char path[110] = "";
    int n = sscanf(line, " %*x: %*x %*x %*x %*x %*x %lu %109[^\n]", ret_inode, path);
    if (n < 1)
        return false;
    (void) snprintf(text, size, *path ? "UNIX %s" : "UNIX%s", path);
    return true;
}

static void read_sockets(struct sl_descriptors *descriptors, const char *file, const char *protocol)
{
    SL_AUTO_FREE char *content = NULL;
    size_t size;

    if (sl_target_read_all(descriptors->target, file, &content, &size, NULL))
        return;
    char *rest = content;
    (void) strsep(&rest, "\n"); /* heading */
    for (char *line; (line = strsep(&rest, "\n"));) {
        unsigned long inode;
        char text[160];
        bool ok = protocol ? sl_socket_parse_inet(line, protocol, &inode, text, sizeof text)
                           : parse_unix(line, &inode, text, sizeof text);
        if (!ok)
            continue;
        if (!sl_grow(&descriptors->sockets, &descriptors->socket_capacity,
                     descriptors->n_sockets + 1))
            return;
        descriptors->sockets[descriptors->n_sockets++] =
            (struct socket){.inode = inode, .text = sl_arena_strdup(descriptors->arena, text)};
    }
}

static int compare_inodes(const void *left, const void *right)
{
    unsigned long a = ((const struct socket *) left)->inode;
    unsigned long b = ((const struct socket *) right)->inode;
    return (a > b) - (a < b);
}

static const char *describe_socket(struct sl_descriptors *descriptors, unsigned long inode)
{
    if (!descriptors->sockets_read) {
        read_sockets(descriptors, "net/tcp", "TCP");
        read_sockets(descriptors, "net/tcp6", "TCP");
        read_sockets(descriptors, "net/udp", "UDP");
        read_sockets(descriptors, "net/udp6", "UDP");
        read_sockets(descriptors, "net/unix", NULL);
        if (descriptors->n_sockets)
            qsort(descriptors->sockets, descriptors->n_sockets, sizeof *descriptors->sockets,
                  compare_inodes);
        descriptors->sockets_read = true;
    }
    const struct socket *sockets = descriptors->sockets;
    size_t at = SL_PARTITION_POINT(descriptors->n_sockets, i, sockets[i].inode < inode);
    return at < descriptors->n_sockets && sockets[at].inode == inode ? sockets[at].text : NULL;
}

static struct sl_descriptor describe(struct sl_descriptors *descriptors, int fd)
{
    struct sl_descriptor descriptor = {0};
    char path[64], link[4096];
    unsigned long inode;

    (void) snprintf(path, sizeof path, "%ld/fd/%d", (long) descriptors->target->tid, fd);
    ssize_t length = readlinkat(descriptors->target->task_fd, path, link, sizeof link - 1);
    if (length < 0)
        return descriptor;
    link[length] = '\0';
    if (sscanf(link, "socket:[%lu]", &inode) == 1) {
        descriptor.is_socket = true;
        descriptor.text = describe_socket(descriptors, inode);
    }
    if (!descriptor.text)
        descriptor.text = sl_arena_strdup(descriptors->arena, link);
    return descriptor;
}

struct sl_descriptor sl_descriptors_get(struct sl_descriptors *descriptors, int fd)
{
    struct known **bucket = &descriptors->known[(unsigned) fd % BUCKETS], *known = *bucket;

    while (known && known->fd != fd)
        known = known->next;
    if (known)
        return known->descriptor;
    struct sl_descriptor descriptor = describe(descriptors, fd);
    known = sl_arena_alloc(descriptors->arena, sizeof *known);
    if (known) {
        *known = (struct known){.next = *bucket, .fd = fd, .descriptor = descriptor};
        *bucket = known;
    }
    return descriptor;
}

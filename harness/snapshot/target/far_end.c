/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/target/far_end.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/grow.h"
#include "base/search.h"

#define MAX_DESCRIPTORS 16384
#define ANSWER_SIZE     32768
#define ANSWER_S        1 /* the kernel answers at once */

enum kind { KIND_PIPE, KIND_SOCKET };

struct open_file {
    enum kind kind;
    uint64_t inode; /* pipes and FIFOs: both ends have one and the same */
    int32_t fd;
};

/* Two sockets that are connected with each other. */
struct connection {
    uint64_t inode, peer;
};

/* A line of /proc/net/tcp. */
struct line {
    char local[48], remote[48]; /* "0100007F:1F90" */
    uint64_t inode;
};

struct sl_far_ends {
    struct sl_target *target;
    struct open_file *files; /* by kind, inode and descriptor */
    size_t n_files, capacity;
    bool connections_read;
    struct connection *connections; /* by inode */
    size_t n_connections, connection_capacity;
};

static int compare_files(const void *left, const void *right)
{
    const struct open_file *a = left, *b = right;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->inode != b->inode)
        return a->inode < b->inode ? -1 : 1;
    return (a->fd > b->fd) - (a->fd < b->fd);
}

static int compare_connections(const void *left, const void *right)
{
    const struct connection *a = left, *b = right;
    return (a->inode > b->inode) - (a->inode < b->inode);
}

/* @return false: it is no pipe and no socket */
static bool find_file(const struct sl_target *target, int32_t fd, struct open_file *ret_file)
{
    char path[64], link[64];
    struct stat st;
    unsigned long inode;

    (void) snprintf(path, sizeof path, "%ld/fd/%ld", (long) target->tid, (long) fd);
    ssize_t length = readlinkat(target->task_fd, path, link, sizeof link - 1);
    if (length < 0)
        return false;
    link[length] = '\0';
    if (sscanf(link, "pipe:[%lu]", &inode) == 1)
        *ret_file = (struct open_file){KIND_PIPE, inode, fd};
    else if (sscanf(link, "socket:[%lu]", &inode) == 1)
        *ret_file = (struct open_file){KIND_SOCKET, inode, fd};
    else if (link[0] == '/' && fstatat(target->task_fd, path, &st, 0) == 0 && S_ISFIFO(st.st_mode))
        *ret_file = (struct open_file){KIND_PIPE, st.st_ino, fd};
    else
        return false;
    return true;
}

static bool list_files(struct sl_far_ends *ends)
{
    char path[32];
    struct open_file file;

    (void) snprintf(path, sizeof path, "%ld/fd", (long) ends->target->tid);
    int fd = openat(ends->target->task_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder) {
        if (fd >= 0)
            (void) close(fd);
        return false;
    }
    bool listed = true;
    size_t n = 0;
    for (const struct dirent *entry; listed && (entry = readdir(folder));) {
        if (entry->d_name[0] == '.')
            continue;
        listed = n++ < MAX_DESCRIPTORS;
        if (!listed || !find_file(ends->target, atoi(entry->d_name), &file))
            continue;
        listed = sl_grow(&ends->files, &ends->capacity, ends->n_files + 1);
        if (listed)
            ends->files[ends->n_files++] = file;
    }
    (void) closedir(folder);
    if (ends->n_files)
        qsort(ends->files, ends->n_files, sizeof *ends->files, compare_files);
    return listed;
}

struct sl_far_ends *sl_far_ends_new(struct sl_target *target)
{
    struct sl_far_ends *ends = calloc(1, sizeof *ends);

    if (!ends)
        return NULL;
    ends->target = target;
    if (list_files(ends))
        return ends;
    sl_far_ends_free(ends);
    return NULL;
}

void sl_far_ends_free(struct sl_far_ends *ends)
{
    if (!ends)
        return;
    free(ends->files);
    free(ends->connections);
    free(ends);
}

static void connect_inodes(struct sl_far_ends *ends, uint64_t inode, uint64_t peer)
{
    if (inode && peer &&
        sl_grow(&ends->connections, &ends->connection_capacity, ends->n_connections + 1))
        ends->connections[ends->n_connections++] = (struct connection){inode, peer};
}

static int compare_local(const void *left, const void *right)
{
    const struct line *a = left, *b = right;
    int order = strcmp(a->local, b->local);
    return order ? order : strcmp(a->remote, b->remote);
}

/* Of two ends on this machine each one's local address is the other's remote one. */
static void read_tcp(struct sl_far_ends *ends, const char *file)
{
    SL_AUTO_FREE char *content = NULL;
    SL_AUTO_FREE struct line *lines = NULL;
    struct line line;
    size_t size, n = 0, capacity = 0;

    if (sl_target_read_all(ends->target, file, &content, &size, NULL))
        return;
    char *rest = content;
    for (char *text; (text = strsep(&rest, "\n"));) {
        unsigned long inode;
        if (sscanf(text, " %*d: %47s %47s %*x %*x:%*x %*x:%*x %*x %*u %*d %lu", line.local,
                   line.remote, &inode) != 3 ||
            !inode)
            continue;
        line.inode = inode;
        if (!sl_grow(&lines, &capacity, n + 1))
            return;
        lines[n++] = line;
    }
    if (n)
        qsort(lines, n, sizeof *lines, compare_local);
    for (size_t i = 0; i < n; i++) {
        (void) strcpy(line.local, lines[i].remote);
        (void) strcpy(line.remote, lines[i].local);
        const struct line *peer = bsearch(&line, lines, n, sizeof *lines, compare_local);
        if (peer)
            connect_inodes(ends, lines[i].inode, peer->inode);
    }
}

static void accept_unix(struct sl_far_ends *ends, struct nlmsghdr *header)
{
    const struct unix_diag_msg *message = NLMSG_DATA(header);
    struct rtattr *attribute = (struct rtattr *) (message + 1);
    unsigned length = header->nlmsg_len - (unsigned) NLMSG_LENGTH(sizeof *message);

    if (header->nlmsg_len < NLMSG_LENGTH(sizeof *message))
        return;
    for (; RTA_OK(attribute, length); attribute = RTA_NEXT(attribute, length))
        if (attribute->rta_type == UNIX_DIAG_PEER && RTA_PAYLOAD(attribute) >= sizeof(uint32_t))
            connect_inodes(ends, message->udiag_ino, *(const uint32_t *) RTA_DATA(attribute));
}

/* The kernel tells of the sockets of the caller's network namespace only. */
static bool shares_network(const struct sl_target *target)
{
    char path[48];
    struct stat own, other;

    (void) snprintf(path, sizeof path, "%ld/ns/net", (long) target->tid);
    return stat("/proc/self/ns/net", &own) == 0 && fstatat(target->task_fd, path, &other, 0) == 0 &&
           own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

/* sock_diag(7): no file of /proc has the peers of sockets of AF_UNIX. */
static void read_unix(struct sl_far_ends *ends)
{
    const struct {
        struct nlmsghdr header;
        struct unix_diag_req request;
    } question = {
        .header = {.nlmsg_len = sizeof question,
                   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .request = {.sdiag_family = AF_UNIX,
                    .udiag_states = UINT32_MAX,
                    .udiag_show = UDIAG_SHOW_PEER},
    };
    const struct timeval patience = {.tv_sec = ANSWER_S};
    SL_AUTO_FREE struct nlmsghdr *answer = malloc(ANSWER_SIZE);
    SL_AUTO_FD int link = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

    if (!answer || link < 0 || !shares_network(ends->target) ||
        setsockopt(link, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0 ||
        send(link, &question, sizeof question, 0) != sizeof question)
        return;
    for (;;) {
        ssize_t got = recv(link, answer, ANSWER_SIZE, 0);
        if (got < 0 && errno == EINTR)
            continue;
        unsigned length = got > 0 ? (unsigned) got : 0;
        struct nlmsghdr *header = answer;
        for (; NLMSG_OK(header, length) && header->nlmsg_type == SOCK_DIAG_BY_FAMILY;
             header = NLMSG_NEXT(header, length))
            accept_unix(ends, header);
        if (got <= 0 || length) /* the end, an error, or nothing that is understood */
            return;
    }
}

static uint64_t find_peer(struct sl_far_ends *ends, uint64_t inode)
{
    if (!ends->connections_read) {
        read_tcp(ends, "net/tcp");
        read_tcp(ends, "net/tcp6");
        read_unix(ends);
        if (ends->n_connections)
            qsort(ends->connections, ends->n_connections, sizeof *ends->connections,
                  compare_connections);
        ends->connections_read = true;
    }
    const struct connection *all = ends->connections;
    size_t at = SL_PARTITION_POINT(ends->n_connections, i, all[i].inode < inode);
    return at < ends->n_connections && all[at].inode == inode ? all[at].peer : 0;
}

/* Is the descriptor open for what the other end of a pipe does? */
static bool serves(const struct sl_target *target, int32_t fd, bool reads)
{
    char path[48], text[256];
    unsigned flags;

    (void) snprintf(path, sizeof path, "%ld/fdinfo/%ld", (long) target->tid, (long) fd);
    SL_AUTO_FD int info = openat(target->task_fd, path, O_RDONLY | O_CLOEXEC);
    ssize_t length = info < 0 ? -1 : read(info, text, sizeof text - 1);
    if (length < 0)
        return false;
    text[length] = '\0';
    const char *line = strstr(text, "flags:");
    if (!line || sscanf(line, "flags: %o", &flags) != 1)
        return false;
    return (flags & O_ACCMODE) == O_RDWR ||
           (flags & O_ACCMODE) == (unsigned) (reads ? O_RDONLY : O_WRONLY);
}

const struct sl_far_end *
sl_far_ends_find(struct sl_far_ends *ends, int fd, bool writes, struct sl_arena *arena)
{
    struct open_file near = {0};
    const struct open_file *files = ends->files;

    if (!find_file(ends->target, fd, &near))
        return NULL;
    const struct open_file far = {
        near.kind, near.kind == KIND_SOCKET ? find_peer(ends, near.inode) : near.inode, -1};
    size_t first = SL_PARTITION_POINT(ends->n_files, i, compare_files(&files[i], &far) < 0);
    size_t end = first, n = 0;
    while (end < ends->n_files && files[end].kind == far.kind && files[end].inode == far.inode)
        end++;
    int32_t *descriptors = sl_arena_array(arena, end - first, sizeof *descriptors);
    struct sl_far_end *found = sl_arena_alloc(arena, sizeof *found);
    if (!descriptors || !found || !far.inode)
        return NULL;
    for (size_t i = first; i < end; i++)
        if (far.kind == KIND_SOCKET || serves(ends->target, files[i].fd, writes))
            descriptors[n++] = files[i].fd;
    *found = (struct sl_far_end){.descriptors = descriptors, .n_descriptors = n};
    return n ? found : NULL;
}

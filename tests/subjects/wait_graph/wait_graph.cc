// SPDX-License-Identifier: Apache-2.0
// wait_graph.c with what the library of C++ has: KIND is mutex, recursive_mutex, timed_mutex (whose
// waits have a time-out), read, write (a shared_mutex), join or none.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <pthread.h>
#include <shared_mutex>
#include <string>
#include <thread>
#include <unistd.h>

struct node {
    std::thread thread;
    std::string kind;
    size_t owner = 0;
    std::mutex mutex;
    std::recursive_mutex recursive;
    std::timed_mutex timed;
    std::shared_mutex shared;
    bool holds_mutex = false, holds_recursive = false, holds_timed = false, holds_shared = false;
};

static std::deque<node> nodes;
static std::atomic<size_t> n_holding;

static void hold(node &node)
{
    if (node.holds_mutex)
        node.mutex.lock();
    if (node.holds_recursive)
        node.recursive.lock();
    if (node.holds_timed)
        node.timed.lock();
    if (node.holds_shared)
        node.shared.lock();
}

static void wait_for(const node &node, struct node &owner)
{
    if (node.kind == "mutex")
        owner.mutex.lock();
    else if (node.kind == "recursive_mutex")
        owner.recursive.lock();
    else if (node.kind == "timed_mutex")
        (void) owner.timed.try_lock_for(std::chrono::hours(1000));
    else if (node.kind == "read")
        owner.shared.lock_shared();
    else if (node.kind == "write")
        owner.shared.lock();
    else if (node.kind == "join")
        owner.thread.join();
}

static void run(size_t at)
{
    node &node = nodes[at];

    (void) pthread_setname_np(pthread_self(), ("t" + std::to_string(at)).c_str());
    hold(node);
    n_holding++;
    while (n_holding <= nodes.size())
        (void) usleep(1000);
    wait_for(node, nodes[node.owner]);
    for (;;)
        (void) pause();
}

int main(int argc, char **argv)
{
    char byte = '.';

    nodes.resize(static_cast<size_t>(argc - 1));
    for (size_t i = 0; i < nodes.size(); i++) {
        const std::string text = argv[i + 1];
        const size_t colon = text.find(':');
        nodes[i].kind = text.substr(0, colon);
        nodes[i].owner = colon == std::string::npos ? i : std::stoul(text.substr(colon + 1));
        node &owner = nodes.at(nodes[i].owner);
        owner.holds_mutex |= nodes[i].kind == "mutex";
        owner.holds_recursive |= nodes[i].kind == "recursive_mutex";
        owner.holds_timed |= nodes[i].kind == "timed_mutex";
        owner.holds_shared |= nodes[i].kind == "read" || nodes[i].kind == "write";
    }
    for (size_t i = 0; i < nodes.size(); i++)
        nodes[i].thread = std::thread(run, i);
    while (n_holding < nodes.size())
        (void) usleep(1000);
    n_holding++;
    if (write(STDOUT_FILENO, &byte, 1) != 1)
        return 1;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    _exit(0);
}

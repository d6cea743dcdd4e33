/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds of C++, for planted.c: what the standard library waits on, and how its types keep it. */
extern "C" {
#include "planted.h"
}

#include <any>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <future>
#include <latch>
#include <map>
#include <memory>
#include <mutex>
#include <semaphore>
#include <shared_mutex>
#include <thread>
#include <vector>

namespace
{

template <typename T> void plant_on(fate fate, T *object, void (*run)(struct object *))
{
    (void) plant(fate, run, reinterpret_cast<struct object *>(object));
}

template <typename T> T *as(object *object)
{
    return reinterpret_cast<T *>(object);
}

/* what a forgotten object of the library is waited on for */

class Queue
{
  public:
    void pop()
    {
        std::unique_lock lock(mutex_);
        filled_.wait(lock, [this] { return closed_; });
    }

    void close()
    {
        std::lock_guard lock(mutex_);
        closed_ = true;
        filled_.notify_all();
    }

  private:
    std::mutex mutex_;
    std::condition_variable filled_;
    bool closed_ = false;
};

void pop(object *queue)
{
    as<Queue>(queue)->pop();
}

void plant_condition()
{
    for (int i = 0; i < N_EACH; i++)
        plant_on(FATE_DEAD, std::make_unique<Queue>().release(), pop);
}

struct Any {
    std::mutex mutex;
    std::condition_variable_any condition;
};

void plant_condition_any()
{
    for (int i = 0; i < N_EACH; i++)
        plant_on(FATE_DEAD, new Any, [](object *object) {
            std::unique_lock lock(as<Any>(object)->mutex);
            for (;;)
                as<Any>(object)->condition.wait(lock);
        });
}

void get(object *promise)
{
    as<std::promise<int>>(promise)->get_future().get();
}

void plant_promise()
{
    for (int i = 0; i < N_EACH; i++)
        plant_on(FATE_DEAD, new std::promise<int>, get);
}

/* The queue of tasks was forgotten, whoever asked for their results waits for them. */
void plant_task()
{
    using Task = std::packaged_task<int()>;
    auto *tasks = new std::vector<std::unique_ptr<Task>>;
    for (int i = 0; i < N_EACH; i++) {
        tasks->push_back(std::make_unique<Task>([] { return 1; }));
        plant_on(FATE_DEAD, tasks->back().get(),
                 [](object *task) { as<Task>(task)->get_future().wait(); });
    }
}

void plant_semaphore()
{
    for (int i = 0; i < N_EACH; i++)
        plant_on(FATE_DEAD, new std::counting_semaphore<>(0),
                 [](object *object) { as<std::counting_semaphore<>>(object)->acquire(); });
}

void plant_latch()
{
    for (int i = 0; i < N_EACH; i++)
        plant_on(FATE_DEAD, new std::latch(1),
                 [](object *object) { as<std::latch>(object)->wait(); });
}

void plant_atomic()
{
    for (int i = 0; i < N_EACH; i++)
        plant_on(FATE_DEAD, new std::atomic<int>(0),
                 [](object *object) { as<std::atomic<int>>(object)->wait(0); });
}

void plant_shared_mutex()
{
    for (int i = 0; i < N_EACH; i++) {
        auto *mutex = new std::shared_mutex;
        std::thread([mutex] { mutex->lock(); }).join();
        plant_on(FATE_DEAD, mutex, [](object *object) { as<std::shared_mutex>(object)->lock(); });
    }
}

/* A pool with its threads, as Close forgets it. */
class Pool
{
  public:
    explicit Pool(fate fate)
    {
        for (int i = 0; i < N_EACH; i++)
            plant_on(fate, &queue_, pop);
    }

    void close()
    {
        queue_.close();
    }

  private:
    std::vector<std::any> jobs_ = std::vector<std::any>(100);
    Queue queue_;
};

std::vector<std::shared_ptr<Pool>> pools;

void plant_pools()
{
    for (int i = 0; i < 3; i++)
        new Pool(FATE_DEAD);
    for (int i = 0; i < 2; i++)
        pools.push_back(std::make_shared<Pool>(FATE_ALIVE));
}

void close_pools()
{
    for (auto &pool : pools)
        pool->close();
}

/* how the types of the library keep what is alive */

std::map<int, std::promise<int>> promises;

void plant_kept_promise()
{
    for (int i = 0; i < N_EACH; i++)
        plant_on(FATE_ALIVE, &promises[i], get);
}

void keep_promises()
{
    for (auto &[number, promise] : promises)
        promise.set_value(number);
}

std::function<void()> on_close;

void plant_in_function()
{
    std::vector<int> large(100);
    on_close = [large, pool = std::make_shared<Pool>(FATE_ALIVE)] { pool->close(); };
}

thread_local std::unique_ptr<Pool> own;

void plant_in_own()
{
    own = std::make_unique<Pool>(FATE_ALIVE);
}

std::any anything;

void plant_in_any()
{
    anything = std::make_shared<Pool>(FATE_ALIVE);
}

const kind kinds[] = {
    {"std::condition_variable", plant_condition, nullptr, nullptr, nullptr},
    {"std::condition_variable_any", plant_condition_any, nullptr, nullptr, nullptr},
    {"std::future, promise leaked", plant_promise, nullptr, nullptr, nullptr},
    {"std::future, task leaked", plant_task, nullptr, nullptr, nullptr},
    {"std::counting_semaphore", plant_semaphore, nullptr, nullptr, nullptr},
    {"std::latch", plant_latch, nullptr, nullptr, nullptr},
    {"std::atomic", plant_atomic, nullptr, nullptr, nullptr},
    {"std::shared_mutex, writer ended", plant_shared_mutex, nullptr, nullptr, nullptr},
    {"3 of 5 pools in C++", plant_pools, nullptr, nullptr, close_pools},
    {"promise in a map", plant_kept_promise, nullptr, nullptr, keep_promises},
    {"pool in a function", plant_in_function, nullptr, nullptr, [] { on_close(); }},
    {"pool of a thread", plant_in_own, nullptr, nullptr, [] { own->close(); }},
    {"pool in an any", plant_in_any, nullptr, nullptr,
     [] { std::any_cast<std::shared_ptr<Pool>>(anything)->close(); }},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

} // namespace

const kind *const kind_tables[] = {kinds, nullptr};

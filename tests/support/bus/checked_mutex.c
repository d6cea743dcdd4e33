/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mutexes that end the process when a thread releases one that it does not hold, or takes one
 * twice.  The linker's --wrap gives these their names: __wrap_X is called for X, __real_X is X.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int __wrap_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __real_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes);
int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
int __real_pthread_mutex_unlock(pthread_mutex_t *mutex);

static int checked(int number, const char *what)
{
    if (!number)
        return 0;
    (void) fprintf(stderr, "cannot %s a mutex: %s\n", what, strerror(number));
    abort();
}

int __wrap_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes)
{
    pthread_mutexattr_t checking;

    if (attributes)
        return __real_pthread_mutex_init(mutex, attributes);
    (void) pthread_mutexattr_init(&checking);
    (void) pthread_mutexattr_settype(&checking, PTHREAD_MUTEX_ERRORCHECK);
    int number = __real_pthread_mutex_init(mutex, &checking);
    (void) pthread_mutexattr_destroy(&checking);
    return number;
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
    return checked(__real_pthread_mutex_lock(mutex), "lock");
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    return checked(__real_pthread_mutex_unlock(mutex), "unlock");
}

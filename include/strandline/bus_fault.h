/* SPDX-License-Identifier: Apache-2.0 */
/* Faults: what bus_config.fault can break on purpose, and what is to be seen then. */
#ifndef STRANDLINE_BUS_FAULT_H
#define STRANDLINE_BUS_FAULT_H

#include <strandline/bus.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How many threads stay after Close. */
enum bus_fault_count {
    BUS_FAULT_NONE,
    BUS_FAULT_ONE,
    BUS_FAULT_PER_TOPIC,
    BUS_FAULT_PER_WORKER,
    BUS_FAULT_PER_STRIKE, /* one each time that it strikes, as its keys say */
    BUS_FAULT_CAUGHT,     /* as many as were in the wrong place, one at least */
    BUS_FAULT_ALL         /* every thread of the bus */
};

enum bus_fault_hang {
    BUS_FAULT_RETURNS,
    BUS_FAULT_TIMES_OUT, /* Close does, and says what it abandoned */
    BUS_FAULT_CLOSE_HANGS,
    BUS_FAULT_OPEN_HANGS
};

/* What is to be seen under a load in which the fault strikes. */
struct bus_fault_effect {
    const char *function; /* on the stacks of the threads that stay, or hang; a start of its name */
    const char *cause;    /* why they stay, as a report says it */
    enum bus_fault_count count;
    enum bus_fault_hang hang;
    bool loss;     /* accepted messages are not handled */
    bool disorder; /* messages of a key are handled out of order */
    bool crash;
    bool unanswered; /* publishes that were accepted have no outcome */
};

/*
 * The faults that can be injected, for lists and documentation.  Ends with an entry
 * whose name is NULL; empty when faults are not built in.
 */
struct bus_fault_info {
    const char *name;
    const char *id;        /* in the catalogue of docs/faults.md: "L2"; "-" it is not there */
    const char *transport; /* that it needs; NULL: any */
    const char *keys;      /* that may follow the name: "nth=10,prob", with defaults; or NULL */
    const char *mechanism; /* what it breaks */
    const char *expected;  /* what is to be seen; NULL when it can not be injected */
    const char *absent;    /* why it can not be: this bus has no equivalent; or NULL */
    struct bus_fault_effect effect; /* `expected` for programs */
};
SL_API const struct bus_fault_info *bus_faults(void);

/**
 * Would bus_open take this bus_config.fault?
 *
 * @param transport  as in struct bus_config; NULL: any
 * @return SL_OK, SL_ENOTSUP unknown, no equivalent or not on this transport,
 *         SL_EINVAL a key or its value
 */
SL_API SL_CHECKED enum sl_status
bus_check_fault(const char *fault, const char *transport, struct sl_error *err);

#ifdef __cplusplus
}
#endif
#endif

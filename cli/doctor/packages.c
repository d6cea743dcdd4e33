/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/doctor/packages.h"

#include "harness/server/server.h"

static void check_client(struct doctor *doctor, const char *version)
{
    if (version)
        doctor_add(doctor, "nats client", DOCTOR_OK, NULL, NULL, "libnats %s", version);
    else
        doctor_add(doctor, "nats client", DOCTOR_LIMITED, "only '--transport memory' runs",
                   "apt install libnats-dev, and build again", "not built in");
}

/* Whether a server is installed says less than whether it starts. */
static void check_server(struct doctor *doctor)
{
    SL_AUTO(sl_server) struct sl_server *server = NULL;
    struct sl_error err = {0};

    if (sl_server_start(NULL, &server, &err)) {
        doctor_add(doctor, "nats-server", DOCTOR_LIMITED,
                   "'--transport nats' needs '--server URL'; '--transport memory' runs",
                   err.status == SL_ENOENT ? "apt install nats-server" : NULL, "%s", err.text);
        return;
    }
    doctor_add(doctor, "nats-server", DOCTOR_OK, NULL, NULL, "%s starts, with JetStream",
               sl_server_version(server));
}

void doctor_check_packages(struct doctor *doctor)
{
    check_client(doctor, SL_LIBNATS_VERSION); /* set by the build; NULL: without */
    check_server(doctor);
}

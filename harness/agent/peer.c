/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/agent/peer.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"

static const char *const roles[SL_N_PARTS] = {
    [SL_PART_ALL] = "any", [SL_PART_PUBLISH] = "load", [SL_PART_CONSUME] = "consume"};

void sl_peer_name(struct sl_peer *peer, const char *name, const char *host)
{
    (void) snprintf(peer->from, sizeof peer->from, "%s on %s", name, host);
}

const char *sl_peer_role(enum sl_load_part part)
{
    return roles[part];
}

bool sl_peer_parse_role(const char *text, enum sl_load_part *ret_part)
{
    for (enum sl_load_part part = SL_PART_ALL; part < SL_N_PARTS; part++) {
        if (strcmp(text, roles[part]) == 0) {
            *ret_part = part;
            return true;
        }
    }
    return false;
}

static enum sl_status send_part(struct sl_peer *peer, const char *subject,
                                const struct sl_wire_header *header, const void *data, size_t size,
                                struct sl_error *err)
{
    struct sl_packer packer = {0};

    sl_wire_pack_header(header, &packer);
    sl_pack_bytes(&packer, data, size);
    enum sl_status status = packer.failed
                                ? sl_fail(err, SL_ENOMEM, "out of memory for a message")
                                : sl_link_send(peer->link, subject, packer.data, packer.size, err);
    sl_packer_release(&packer);
    return status;
}

enum sl_status sl_peer_send(struct sl_peer *peer, const char *subject,
                            const struct sl_wire_header *header, const struct sl_packer *body,
                            struct sl_error *err)
{
    struct sl_wire_header part = *header;
    size_t size = body ? body->size : 0, sent = 0;
    enum sl_status status = SL_OK;

    if (body && body->failed)
        return sl_fail(err, SL_ENOMEM, "out of memory for a message");
    part.protocol = SL_WIRE_PROTOCOL;
    memcpy(part.from, peer->from, sizeof part.from);
    part.part = 0;
    do {
        size_t n = SL_MIN(size - sent, SL_WIRE_PART_MAX);
        part.more = sent + n < size;
        status = send_part(peer, subject, &part, n ? body->data + sent : NULL, n, err);
        sent += n;
        part.part++;
    } while (!status && sent < size);
    return status;
}

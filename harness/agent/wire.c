/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/agent/wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char magic[] = {'S', 'L', 'A', 'G'};

void sl_wire_pack_header(const struct sl_wire_header *header, struct sl_packer *packer)
{
    sl_pack_bytes(packer, magic, sizeof magic);
    sl_pack_number(packer, header->protocol);
    sl_pack_number(packer, header->run);
    sl_pack_text(packer, header->from);
    sl_pack_number(packer, header->kind);
    sl_pack_number(packer, header->agent);
    sl_pack_number(packer, header->trial);
    sl_pack_number(packer, header->part);
    sl_pack_number(packer, header->more);
}

bool sl_wire_unpack_header(struct sl_unpacker *unpacker, struct sl_wire_header *ret_header)
{
    struct sl_wire_header header = {0};
    const void *begin = sl_unpack_bytes(unpacker, sizeof magic);

    if (!begin || memcmp(begin, magic, sizeof magic) != 0)
        return false;
    header.protocol = (unsigned) sl_unpack_number(unpacker, 0, UINT32_MAX);
    header.run = sl_unpack_number(unpacker, 0, UINT64_MAX);
    if (!sl_wire_unpack_text(unpacker, header.from, sizeof header.from))
        return false;
    if (header.protocol == SL_WIRE_PROTOCOL) {
        header.kind = (enum sl_wire_kind) sl_unpack_number(unpacker, 1, SL_WIRE_N_KINDS - 1);
        header.agent = sl_unpack_number(unpacker, 0, UINT64_MAX);
        header.trial = sl_unpack_number(unpacker, 0, UINT64_MAX);
        header.part = (uint32_t) sl_unpack_number(unpacker, 0, UINT32_MAX);
        header.more = sl_unpack_number(unpacker, 0, 1);
    }
    if (unpacker->failed)
        return false;
    *ret_header = header;
    return true;
}

void sl_wire_pack_offer(const struct sl_wire_offer *offer, struct sl_packer *packer)
{
    sl_pack_text(packer, offer->name);
    sl_pack_text(packer, offer->host);
    sl_pack_text(packer, offer->clock);
    sl_pack_number(packer, offer->part);
    sl_pack_number(packer, offer->pid);
}

bool sl_wire_unpack_offer(struct sl_unpacker *unpacker, struct sl_wire_offer *ret_offer)
{
    struct sl_wire_offer offer = {0};

    if (!sl_wire_unpack_text(unpacker, offer.name, sizeof offer.name) ||
        !sl_wire_unpack_text(unpacker, offer.host, sizeof offer.host))
        return false;
    sl_unpack_text(unpacker, offer.clock, sizeof offer.clock);
    offer.part = (enum sl_load_part) sl_unpack_number(unpacker, 0, SL_N_PARTS - 1);
    offer.pid = sl_unpack_number(unpacker, 0, INT64_MAX);
    if (!sl_unpack_ends(unpacker) || !offer.name[0])
        return false;
    *ret_offer = offer;
    return true;
}

bool sl_wire_unpack_text(struct sl_unpacker *unpacker, char *ret_text, size_t size)
{
    sl_unpack_text(unpacker, ret_text, size);
    for (char *at = ret_text; *at; at++)
        if ((unsigned char) *at < ' ' || (unsigned char) *at >= 0x7f)
            *at = '?';
    return !unpacker->failed;
}

void sl_wire_observer_subject(uint64_t run, char ret_subject[SL_WIRE_SUBJECT_MAX])
{
    (void) snprintf(ret_subject, SL_WIRE_SUBJECT_MAX, "strandline.observer.%016" PRIx64, run);
}

void sl_wire_agent_subject(uint64_t agent, char ret_subject[SL_WIRE_SUBJECT_MAX])
{
    (void) snprintf(ret_subject, SL_WIRE_SUBJECT_MAX, "strandline.agent.%016" PRIx64, agent);
}

bool sl_wire_body_add(struct sl_wire_body *body, const struct sl_wire_header *header,
                      const struct sl_unpacker *part)
{
    bool follows = body->next && header->part == body->next && header->kind == body->kind &&
                   header->trial == body->trial;

    if (header->part != 0 && !follows) {
        body->next = 0;
        return false;
    }
    if (header->part == 0)
        body->bytes.size = 0;
    body->kind = header->kind;
    body->trial = header->trial;
    body->next = header->part + 1;
    if (part->left > SL_WIRE_BODY_MAX - body->bytes.size)
        body->bytes.failed = true;
    sl_pack_bytes(&body->bytes, part->at, part->left);
    if (body->bytes.failed || !header->more)
        body->next = 0;
    if (body->bytes.failed) {
        sl_packer_release(&body->bytes);
        return false;
    }
    return !header->more;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of agents and observers from arbitrary bytes: refused, or read; and what was read is
 * packed as the same bytes again, since everything has one form only.
 *
 * The first byte says what the rest is: 0 a header and an offer, 1 a header and a config, else
 * a tally of so many events.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "harness/agent/wire_config.h"
#include "harness/load/tally.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require_same(struct sl_packer *packer, const uint8_t *data, size_t size)
{
    require(!packer->failed, "there is memory");
    require(packer->size == size && (size == 0 || memcmp(packer->data, data, size) == 0),
            "packing is the reverse of reading");
    sl_packer_release(packer);
}

static void require_printable(const char *text)
{
    for (; *text; text++)
        require(*text >= ' ' && *text < 0x7f, "nothing read commands the terminal");
}

static void read_offer(struct sl_unpacker *unpacker)
{
    struct sl_wire_offer offer;

    if (!sl_wire_unpack_offer(unpacker, &offer))
        return;
    require_printable(offer.name);
    require_printable(offer.host);
    require(offer.name[0] && offer.part < SL_N_PARTS, "an offer that was read can be used");
}

static void read_config(struct sl_unpacker *unpacker)
{
    const uint8_t *data = unpacker->at;
    size_t size = unpacker->left;
    struct sl_packer packer = {0};

    struct sl_subject_config *config = malloc(sizeof *config);
    require(config != NULL, "there is memory");
    if (sl_wire_unpack_config(unpacker, config)) {
        require(config->share.number < config->share.of, "a share is one of all");
        require(!config->servers[0] && !config->driver_path[0] && !config->job,
                "what is the agent's own affair is not in it");
        sl_wire_pack_config(config, &packer);
        require_same(&packer, data, size);
    }
    free(config);
}

static void read_message(const uint8_t *data, size_t size, bool config)
{
    struct sl_unpacker unpacker = {.at = data, .left = size};
    struct sl_wire_header header;
    struct sl_wire_body body = {0};

    if (!sl_wire_unpack_header(&unpacker, &header))
        return;
    require_printable(header.from);
    if (header.protocol != SL_WIRE_PROTOCOL)
        return;
    require(header.kind > 0 && header.kind < SL_WIRE_N_KINDS, "a kind that exists");
    (void) sl_wire_body_add(&body, &header, &unpacker);
    sl_packer_release(&body.bytes);
    if (config)
        read_config(&unpacker);
    else
        read_offer(&unpacker);
}

static void read_tally(const uint8_t *data, size_t size, uint32_t n_events)
{
    struct sl_tally *tally = NULL;
    struct sl_packer packer = {0};
    struct sl_load_counts counts;
    struct sl_load_record record = {0};

    if (sl_tally_unpack(data, size, n_events, &tally, NULL) != SL_OK)
        return;
    sl_tally_count(tally, &counts);
    require(counts.published + counts.rejected + counts.unknown <= n_events,
            "a message is in one class");
    sl_tally_record(tally, &record);
    require(size <= sl_tally_size_max(n_events), "no tally is larger than the largest");
    sl_tally_pack(tally, &packer);
    /* Runs may have been cut into more pieces than needed, so only what is short is the same. */
    require(!packer.failed && packer.size <= size, "packing makes it no longer");
    sl_packer_release(&packer);
    sl_tally_free(tally);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] <= 1)
        read_message(data + 1, size - 1, data[0] == 1);
    else
        read_tally(data + 1, size - 1, data[0]);
    return 0;
}

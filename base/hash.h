/* SPDX-License-Identifier: Apache-2.0 */
/* FNV-1a, 32 and 64 bits, with the published offset bases and primes (RFC 9923). */
#ifndef SL_BASE_HASH_H
#define SL_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define SL_FNV32_BASIS UINT32_C(2166136261)
#define SL_FNV64_BASIS UINT64_C(14695981039346656037)

static inline uint32_t sl_fnv32(uint32_t hash, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * UINT32_C(16777619);
    return hash;
}

static inline uint64_t sl_fnv64(uint64_t hash, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(1099511628211);
    return hash;
}

#endif

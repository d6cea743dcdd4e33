/* SPDX-License-Identifier: Apache-2.0 */
/* The word that somebody who mistyped another one may have meant. */
#ifndef SL_BASE_NEAREST_H
#define SL_BASE_NEAREST_H

#include <stddef.h>

/*
 * Which of the words is at most a third of the letters of `word` away from it, or one letter, and
 * nearer than all others?  Words of more than 63 bytes are near nothing.
 *
 * @return one of words, or NULL
 */
const char *sl_nearest(const char *word, const char *const *words, size_t n_words);

#endif

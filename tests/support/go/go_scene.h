/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that plays Go: what a look at goroutines needs lies in the variables of the program
 * that uses this, so that it finds them when it looks at itself.
 */
#ifndef SL_GO_SCENE_H
#define SL_GO_SCENE_H

#include <stddef.h>
#include <stdint.h>

#define GO_SCENE_GOROUTINES 4

/*
 * Goroutines of go1.MINOR: 1 waits in main.wait, called by main.main, where it was inlined into
 * main.run; 2 is of the runtime; 3 waits in main.wait, in a call of main.main; 4 runs.
 */
void go_scene_play(uint8_t minor);

/* Stop playing: the program is none of Go's. */
void go_scene_end(void);

/* All that it plays with, to be damaged. */
uint8_t *go_scene_bytes(size_t *ret_size);

#endif

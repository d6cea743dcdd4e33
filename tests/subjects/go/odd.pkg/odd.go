// SPDX-License-Identifier: Apache-2.0

// Package odd has a name that is escaped in the names of its functions.
package odd

// Wait until the channel is closed.
func Wait(c chan int) { <-c }

// SPDX-License-Identifier: Apache-2.0
// Functions and closures inlined into one another.  Says "." and waits to be looked at.
package main

import "os"

var sink int

func innermost(value int) int {
	sink += value
	return sink * 3
}

func middle(value int) int {
	twice := innermost(value) * 2
	sink ^= twice
	return twice
}

type counter struct{ count int }

func (c *counter) add(value int) int {
	c.count += value
	sink = c.count
	return c.count
}

//go:noinline
func chain(value int) int {
	sum := middle(value)
	return sum + innermost(sum)
}

//go:noinline
func method(value int) int {
	c := counter{value}
	return c.add(value) + c.add(1)
}

//go:noinline
func closures(value int) int {
	sum := 0
	add := func(more int) int {
		sum += more
		return innermost(sum)
	}
	return add(value) + func(other int) int { return middle(other) }(sum)
}

//go:noinline
func recursive(depth int) int {
	if depth <= 0 {
		return middle(depth)
	}
	below := recursive(depth - 1)
	return below + innermost(below)
}

func main() {
	n := len(os.Args)
	sink = chain(n) + method(n) + closures(n) + recursive(n)
	os.Stdout.WriteString(".")
	os.Stdin.Read(make([]byte, 1))
}

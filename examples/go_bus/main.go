// SPDX-License-Identifier: Apache-2.0

// An event bus as the one whose Close left 5,130 goroutines: a pool of keyed workers for each topic,
// one unified pool for all, and a loop per topic that fetches.
//
//	usage: go_bus [-topics N] [-workers N] [-unified N] [-pools both|unified] [-close WHAT]
//
// Writes `start`, `open` and `closed`, each on a line, and goes on when it has read a line.
// -close: what Close stops and awaits beside the unified pool: nothing, the keyed pools, or all.
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"hash/fnv"
	"os"
	"sync"
)

type message struct {
	key  string
	done func()
}

// Workers that keep the order of each key: a key always goes to the same worker.
type KeyedWorkerPool struct {
	queues []chan message
	stop   chan struct{}
	ended  sync.WaitGroup
}

func newKeyedWorkerPool(workers int) *KeyedWorkerPool {
	pool := &KeyedWorkerPool{stop: make(chan struct{})}
	for i := 0; i < workers; i++ {
		queue := make(chan message, 16)
		pool.queues = append(pool.queues, queue)
		pool.ended.Add(1)
		go pool.runWorker(queue)
	}
	return pool
}

func (pool *KeyedWorkerPool) runWorker(queue chan message) {
	defer pool.ended.Done()
	for {
		select {
		case taken := <-queue:
			taken.done()
		case <-pool.stop:
			return
		}
	}
}

func (pool *KeyedWorkerPool) submit(given message) {
	hash := fnv.New32a()
	hash.Write([]byte(given.key))
	pool.queues[hash.Sum32()%uint32(len(pool.queues))] <- given
}

func (pool *KeyedWorkerPool) Stop() {
	close(pool.stop)
	pool.ended.Wait()
}

// Has a topic a message?  A helper waits for the end of each Fetch, as the client library's does.
func fetch(ctx context.Context, topic chan message) (message, bool) {
	ended := make(chan struct{})
	defer close(ended)
	go fetchHelper(ctx, ended)
	select {
	case taken := <-topic:
		return taken, true
	case <-ctx.Done():
		return message{}, false
	}
}

func fetchHelper(ctx context.Context, ended chan struct{}) {
	select {
	case <-ctx.Done():
	case <-ended:
	}
}

type Bus struct {
	topics  []chan message
	keyed   []*KeyedWorkerPool
	unified *KeyedWorkerPool
	cancel  context.CancelFunc
	loops   sync.WaitGroup
	closing string // what Close stops and awaits beside the unified pool
}

func openBus(topics, workers, unified int, both bool, closing string) *Bus {
	ctx, cancel := context.WithCancel(context.Background())
	bus := &Bus{unified: newKeyedWorkerPool(unified), cancel: cancel, closing: closing}
	for i := 0; i < topics; i++ {
		topic := make(chan message)
		bus.topics = append(bus.topics, topic)
		if both {
			bus.keyed = append(bus.keyed, newKeyedWorkerPool(workers))
		}
		bus.loops.Add(1)
		go bus.pullLoop(ctx, topic)
	}
	return bus
}

// The unified pool always wins: workers of the keyed ones never see a message.
func (bus *Bus) pullLoop(ctx context.Context, topic chan message) {
	defer bus.loops.Done()
	for {
		taken, ok := fetch(ctx, topic)
		if !ok {
			return
		}
		bus.unified.submit(taken)
	}
}

func (bus *Bus) Close() {
	if bus.closing == "all" {
		bus.cancel()
		bus.loops.Wait()
	}
	if bus.closing != "nothing" {
		for _, pool := range bus.keyed {
			pool.Stop()
		}
	}
	bus.unified.Stop()
}

// All messages are handled when this returns.
func (bus *Bus) publish(count int) {
	var handled sync.WaitGroup
	handled.Add(count)
	for i := 0; i < count; i++ {
		bus.topics[i%len(bus.topics)] <- message{fmt.Sprint("order-", i%100), handled.Done}
	}
	handled.Wait()
}

func announce(phase string, answers *bufio.Reader) {
	fmt.Println(phase)
	if _, err := answers.ReadString('\n'); err != nil {
		os.Exit(0)
	}
}

func main() {
	topics := flag.Int("topics", 5, "topics")
	workers := flag.Int("workers", 1024, "keyed workers of each topic")
	unified := flag.Int("unified", 768, "workers of the unified pool")
	pools := flag.String("pools", "both", "both or unified")
	closing := flag.String("close", "nothing", "nothing, keyed or all")
	flag.Parse()
	if *topics < 1 || *workers < 1 || *unified < 1 || (*pools != "both" && *pools != "unified") ||
		(*closing != "nothing" && *closing != "keyed" && *closing != "all") {
		flag.Usage()
		os.Exit(2)
	}
	answers := bufio.NewReader(os.Stdin)
	announce("start", answers)
	bus := openBus(*topics, *workers, *unified, *pools == "both", *closing)
	bus.publish(1000)
	announce("open", answers)
	bus.Close()
	announce("closed", answers)
}

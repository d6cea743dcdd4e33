// SPDX-License-Identifier: Apache-2.0

// Goroutines that wait in every way there is.
//
//	usage: subjects [-n COUNT] [-churn]
//
// Writes a line when all of them wait.  For each line that it reads it writes what
// runtime/pprof has of its goroutines with debug=2, and a line "end".  -churn: others grow their
// stacks, end and begin meanwhile, and the collector runs all the time.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"net"
	"os"
	"runtime"
	"runtime/pprof"
	"sync"
	"syscall"
	"time"

	"example.org/subjects/odd.pkg"
)

type waiter interface{ wait(c chan int) }

type base struct{ _ int }

func (b base) wait(c chan int) { <-c }

// Whose method wait is made by the compiler.
type outer struct{ base }

func inner(c chan int) { <-c }

func middle(c chan int) { inner(c) }

func deep(n int, c chan int) int {
	var room [64]byte
	if n == 0 {
		<-c
		return int(room[0])
	}
	return deep(n-1, c) + int(room[n%64])
}

//go:noinline
func fault(p *int) int { return *p }

func afterFault(c chan int) {
	defer func() {
		<-c
		recover()
	}()
	fault(nil)
}

func afterPanic(c chan int) {
	defer func() { <-c }()
	panic("as it is meant to")
}

func inSystemCall() {
	var pair [2]int
	if syscall.Pipe(pair[:]) == nil {
		var one [1]byte
		syscall.Read(pair[0], one[:])
	}
}

func locked(c chan int) {
	runtime.LockOSThread()
	<-c
}

func each(c chan int) {
	var mutex sync.Mutex
	var readers sync.RWMutex
	var group sync.WaitGroup
	condition := sync.NewCond(&sync.Mutex{})
	var once sync.Once

	mutex.Lock()
	readers.Lock()
	group.Add(1)
	go func() { <-c }()
	go func() { make(chan int) <- 1 }()
	go func() { <-(chan int)(nil) }()
	go func() { (chan int)(nil) <- 1 }()
	go func() { select {} }()
	go func() {
		select {
		case <-c:
		case <-time.After(time.Hour):
		}
	}()
	go mutex.Lock()
	go readers.RLock()
	go readers.Lock()
	go group.Wait()
	go func() {
		condition.L.Lock()
		condition.Wait()
	}()
	go once.Do(func() { <-c })
	go time.Sleep(time.Hour)
	go middle(c)
	go deep(30, c)
	go deep(300, c)
	go afterFault(c)
	go afterPanic(c)
	go inSystemCall()
	go locked(c)
	go odd.Wait(c)
	go waiter(outer{}).wait(c)
	go waiter(&outer{}).wait(c)
	method := outer{}.wait
	go method(c)
	time.AfterFunc(0, func() { <-c })
	if listener, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
		go listener.Accept()
	}
	reader, _, _ := os.Pipe()
	go reader.Read(make([]byte, 1))
	finalized := &outer{}
	runtime.SetFinalizer(finalized, func(*outer) { <-c })
	runtime.GC()
}

// Goroutines that begin, grow their stacks and end.
func churn() {
	for n := 0; ; n++ {
		c := make(chan int)
		go func() { deep(n%500, c) }()
		runtime.Gosched()
		close(c)
		if n%50 == 0 {
			runtime.GC()
		}
	}
}

func main() {
	count := flag.Int("n", 1, "")
	churning := flag.Bool("churn", false, "")
	flag.Parse()
	for i := 1; i < *count; i++ {
		go middle(make(chan int))
	}
	each(make(chan int))
	if *churning {
		go churn()
	}
	time.Sleep(100 * time.Millisecond)
	fmt.Println("ready")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		pprof.Lookup("goroutine").WriteTo(os.Stdout, 2)
		fmt.Println("end")
	}
}

// SPDX-License-Identifier: Apache-2.0

// Goroutines that are in C, that C called, and a thread of C's beside them.  Speaks as the program
// above does.
package main

/*
#cgo LDFLAGS: -lpthread
#include <pthread.h>
#include <unistd.h>

extern void calledByC(int);

static void waitInC(void) { pause(); }
static void callBack(int n) { calledByC(n); }
static void *foreignThread(void *argument) { calledByC(2); return argument; }
static void *plainThread(void *argument) { pause(); return argument; }
static void begin(void) {
    pthread_t thread;
    pthread_create(&thread, 0, foreignThread, 0);
    pthread_create(&thread, 0, plainThread, 0);
}
*/
import "C"

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"time"
)

var never = make(chan int)

//export calledByC
func calledByC(n C.int) { <-never }

func churn() {
	for {
		done := make(chan int)
		go func() {
			defer close(done)
			var room [4096]byte
			room[len(os.Args)%4096]++
		}()
		<-done
		runtime.GC()
	}
}

func main() {
	for i := 0; i < 3; i++ {
		go C.waitInC()
		go C.callBack(1)
	}
	C.begin()
	if os.Args[len(os.Args)-1] == "-churn" {
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

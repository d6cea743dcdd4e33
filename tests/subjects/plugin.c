/* SPDX-License-Identifier: Apache-2.0 */
/* A plug-in of `plugin_host`.  PLUGIN_WORK differs between builds, and nothing else does. */
volatile int plugin_ended;

__attribute__((visibility("default"))) int PLUGIN_WORK(void (*function)(void));

int PLUGIN_WORK(void (*function)(void))
{
    volatile int turns = 0;
    while (!plugin_ended) {
        function();
        turns = turns + 1;
    }
    return turns;
}

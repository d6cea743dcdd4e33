/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

int main(void)
{
    (void) fputs("strandline: no command is built in yet\n", stderr);
    return 2;
}

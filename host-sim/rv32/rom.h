/* Built-in objects in read-only memory (rom.c). */
#ifndef ROM_H
#define ROM_H

#include "xsAll.h"

/** Whether the ROM holds the built-ins of this very image. */
bool romIsBuilt(void);
/** The part of the ROM in which a machine may be built before the ROM is locked. */
void *romArena(size_t *bytes);
/** Completes the ROM with a machine that was built in it, and that is of no use afterwards. Bytes in use. */
size_t romComplete(txMachine *the);
/** The machine in the ROM, to be cloned. */
txMachine *romMachine(void);

#endif

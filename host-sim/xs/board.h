/*
 * What a board gives to the host: memory, flash, files, a console and its end. Linux is one board (linux.c),
 * the bare RISC-V machine another. Nothing here knows about JavaScript but boardScript.
 */
#ifndef BOARD_H
#define BOARD_H

#include "xsAll.h"

/** The unit's arena: one fixed block, aligned for any type. */
void *boardArena(size_t *bytes);
/** The lowest address that the C stack may reach, with room below it for what XS calls unchecked (64 KB). */
char *boardStackLimit(void);

/** NOR cells, whole sectors of 4,096 bytes. */
uint8_t *boardFlash(size_t *bytes);
/** Read-only data by name, aligned to 4 bytes; NULL for an unknown name. */
const uint8_t *boardRom(const char *name, size_t *bytes);
/** Appends to an output file; the name has been checked. */
void boardWrite(const char *file, const void *bytes, size_t length);
void boardPrint(const char *line);
/** Instructions retired since power-up, or 0 if the board cannot count them. */
uint64_t boardInstructions(void);
/** The plug is pulled: nothing that was not in the flash survives. */
_Noreturn void boardPullPlug(void);
_Noreturn void boardExit(int code);

/** The instruction after this one (host.c); for boards that handle bytecode. */
txByte *hostNextCode(txByte *code);

bool boardHasModule(const char *name);
/** The code of a module that there is, in place outside of the arena, its identifiers those of the machine. */
txScript *boardScript(txMachine *the, const char *name);

#endif

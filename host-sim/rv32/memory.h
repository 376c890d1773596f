/*
 * What the bare board, the linker script and the runner (image.ts, which reads these lines) agree on: where
 * things lie, and what the runner asks for. The flash and the RAM are as large as those of the smallest device;
 * the journal lies apart from both.
 */
#ifndef MEMORY_H
#define MEMORY_H

#define FLASH_ADDRESS 0x80000000
#define FLASH_BYTES 0x400000
/* In the flash, behind the program: the built-ins of the variant "rom", and what the runner hands in. */
#define ROM_ADDRESS 0x80300000
#define ROM_BYTES 0x40000
#define BOOT_ADDRESS 0x80380000
#define BOOT_BYTES 0x20000

#define RAM_ADDRESS 0x80400000
#define RAM_BYTES 0x50000
/* At the bottom of the RAM: what runs over its end meets the flash, which is locked, and traps. */
#define STACK_BYTES 0x4000
#define TRAP_STACK_BYTES 0x400
/* For the tables and jump buffers that XS takes by malloc. */
#define HEAP_BYTES 0x4000

/* qemu's `virt` machine: PCI configuration space, and an address for the journal in PCI memory space. */
#define PCI_ADDRESS 0x30000000
#define JOURNAL_ADDRESS 0x40000000

/* What the runner puts at BOOT_ADDRESS: these numbers, 4 bytes each, then the input. */
#define BOOT_MAGIC 0x544f4f42
#define MODE_RUN 0
#define MODE_BUILD_ROM 1
#define MODE_WRITE_CODE 2
#define MODE_WRITE_ROM 3
#define MODE_RUN_DATA 4
#define INPUT_BYTES_MAX 0x10000

/* Exit codes after those of the host (enum HostExit). */
#define EXIT_TRAP 16
#define EXIT_BOARD 17

#endif

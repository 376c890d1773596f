// Runs trials (trials.ts) through firmware/native/accumulator.c: reads them from the file "input", and prints a line
// for each with the number of records, their digest, and on rv32 the instructions that the accumulator's feeding took.
// The same source runs on Linux, 64 and 32 bits, and on a bare RV32IMC core in QEMU. Whatever is wrong with the input
// ends the run with words that are no result.
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "accumulator.h"

enum { QUEUE_MAX = 400, FRAMES_MAX = 2048 };
/// Orders in a trial, as in trials.ts; each is followed by a count.
enum { END, FEED, LOSE, TAKE };

static int input;
static Accumulator accumulator;
static int64_t queue[QUEUE_MAX * ACCUMULATOR_WORDS(ACCUMULATOR_ELEMENTS_MAX)];
static int16_t samples[FRAMES_MAX * 2 * ACCUMULATOR_ELEMENTS_MAX];

typedef struct {
  uint32_t elements;
  bool isPrinted;
  uint32_t records;
  uint32_t digest[2];
  uint64_t instructions;
} Trial;

static void refuse(const char *what) {
  printf("wrong input: %s\n", what);
  exit(1);
}

/// False at the end of the file.
static bool readBytes(void *into, size_t length) {
  uint8_t *at = into;
  while (length > 0) {
    const long got = (long)read(input, at, length);
    if (got == 0 && at == into) return false;
    if (got <= 0) refuse("it ends too early");
    at += got;
    length -= (size_t)got;
  }
  return true;
}

/// As in trials.ts: two lanes of 32 bits, so that a record's place counts.
static void digestWord(Trial *trial, uint32_t word) {
  const uint32_t a = (trial->digest[0] ^ word) * 0x01000193u;
  const uint32_t b = ((trial->digest[1] << 13 | trial->digest[1] >> 19) + word) * 0x85ebca6bu;
  trial->digest[0] = a ^ a >> 15;
  trial->digest[1] = b ^ a >> 7;
}

static void takeRecord(Trial *trial, const AccumulatorCycle *cycle) {
  trial->records++;
  digestWord(trial, cycle->samples);
  digestWord(trial, cycle->lost);
  if (trial->isPrinted) printf("cycle %08" PRIx32 " %08" PRIx32, cycle->samples, cycle->lost);
  for (uint32_t element = 0; element < trial->elements; element++) {
    for (int sum = 0; sum < ACCUMULATOR_SUMS; sum++) {
      const uint64_t bits = (uint64_t)cycle->sums[element][sum];
      digestWord(trial, (uint32_t)bits);
      digestWord(trial, (uint32_t)(bits >> 32));
      if (trial->isPrinted) printf(" %08" PRIx32 "%08" PRIx32, (uint32_t)(bits >> 32), (uint32_t)bits);
    }
  }
  if (trial->isPrinted) putchar('\n');
}

/// Of the core; 0 where there is no such counter.
static uint64_t retiredInstructions(void) {
#ifdef __riscv
  uint32_t high, low, high_after;
  do { // Twice at most: the low half takes 2^32 instructions to wrap again.
    __asm__ volatile(".option push\n.option arch, +zicsr\n"
                     "csrr %0, minstreth\ncsrr %1, minstret\ncsrr %2, minstreth\n"
                     ".option pop"
                     : "=r"(high), "=r"(low), "=r"(high_after));
  } while (high != high_after);
  return (uint64_t)high << 32 | low;
#else
  return 0;
#endif
}

static void obey(Trial *trial, uint32_t order, uint32_t count) {
  AccumulatorCycle cycle;
  uint64_t before;
  switch (order) {
  case FEED:
    if (count > FRAMES_MAX) refuse("too many frames");
    if (count > 0 && !readBytes(samples, count * 2 * trial->elements * sizeof samples[0])) refuse("no samples");
    before = retiredInstructions();
    accumulatorFeed(&accumulator, samples, count);
    trial->instructions += retiredInstructions() - before;
    break;
  case LOSE:
    accumulatorLose(&accumulator, count);
    break;
  case TAKE:
    for (; count > 0 && accumulatorTake(&accumulator, &cycle); count--) takeRecord(trial, &cycle);
    break;
  default:
    refuse("an unknown order");
  }
}

int main(void) {
  uint32_t head[4], order[2];
  input = open("input", O_RDONLY);
  if (input < 0) refuse("there is none");
  while (readBytes(head, sizeof head)) {
    Trial trial = {.elements = head[0], .isPrinted = head[3] != 0};
    if (head[2] > QUEUE_MAX || !accumulatorStart(&accumulator, head[0], head[1], queue, head[2])) refuse("the head");
    while (readBytes(order, sizeof order) && order[0] != END) obey(&trial, order[0], order[1]);
    printf("trial %" PRIu32 " %08" PRIx32 " %08" PRIx32 " %" PRIu64 "\n", trial.records, trial.digest[0],
           trial.digest[1], trial.instructions);
  }
  return 0;
}

// Samples to sums: reduces the samples of 1 to 3 elements (a voltage and a current each), as a converter delivers
// them, to one record of sums for each cycle of the mains. Energy, reactive energy, voltage and current are made of
// these records by the trusted unit (src/trusted/metrology); here is only what no interpreter can keep up with. It is
// legally relevant code: part of what an examiner reads, and tested bit for bit against a second implementation,
// host-sim/waveform/accumulator.ts.
//
// Gapless: every sample that is fed is in exactly one record, or its record found no room in the queue, which the
// next one tells. A record holds rate / 70 to rate / 40 samples, whatever the input is.
//
// Nothing is allocated, nothing fails after the start, no sum can overflow, and each call's work is in proportion to
// its frames. No call may run at the same time as another on the same accumulator: the caller has the lock.
#ifndef SEALMETER_ACCUMULATOR_H
#define SEALMETER_ACCUMULATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACCUMULATOR_ELEMENTS_MAX 3
/** Frames a second. */
#define ACCUMULATOR_RATE_HZ_MIN 2000
#define ACCUMULATOR_RATE_HZ_MAX 16000
/** Sums of an element: v, i, v^2, i^2, v·i and v_q·i, where v_q is v a quarter of a period ago. */
#define ACCUMULATOR_SUMS 6
/** Records in 5 s at 65 Hz: what the queue is to hold. */
#define ACCUMULATOR_CYCLES 325
/** Length of a record in the queue, in words of 64 bits. */
#define ACCUMULATOR_WORDS(elements) (2 + ACCUMULATOR_SUMS * (elements))
/** Voltages kept of each element: more than a quarter of the longest cycle, 100 samples, and one to interpolate. */
#define ACCUMULATOR_HISTORY 128

/** One cycle of the mains. Sums are in codes of the converter and products of two codes. */
typedef struct {
	uint32_t samples;
	/** Cycles missing since the record before, for want of room or of samples; then the sums are not whole either. */
	uint32_t lost;
	int64_t sums[ACCUMULATOR_ELEMENTS_MAX][ACCUMULATOR_SUMS];
} AccumulatorCycle;

/** Q8 and Q16: in units of 2^-8 and 2^-16. All of it is the accumulator's own. */
typedef struct {
	uint32_t elements;
	uint32_t samplesMin;
	uint32_t samplesMax;

	/** The caller's memory; records from `first`, `queued` of them, round the end. */
	int64_t *queue;
	uint32_t capacity;
	uint32_t first;
	uint32_t queued;
	/** Cycles that the next record will call lost. */
	uint32_t lost;

	/** The open cycle; its v_q·i is in Q8. */
	uint32_t samples;
	int64_t sums[ACCUMULATOR_ELEMENTS_MAX][ACCUMULATOR_SUMS];
	/** Whether it began with a crossing, and no sample is missing since. */
	bool isTimed;
	/** From the crossing that began it to its first sample, 0 to 256. */
	int32_t phase_Q8;

	/** Of the first element's voltage: its mean, what lies this far below it, the last sample. */
	int32_t mean_Q8;
	int32_t low_Q8;
	int32_t last_Q8;
	/** Whether the voltage has been low since it last crossed its mean. */
	bool isArmed;

	/** The smoothed period, samples, and whether there is something in it to smooth with. */
	int32_t period_Q16;
	bool isSmoothed;
	/** A quarter of it, during the open cycle: whole samples, and what is left of one. */
	uint32_t delay;
	int32_t delayLeft_Q8;
	/** The next place in `history`. */
	uint32_t place;
	int16_t history[ACCUMULATOR_ELEMENTS_MAX][ACCUMULATOR_HISTORY];
} Accumulator;

/**
 * Starts with no samples and an empty queue.
 * @param queue memory for `capacity` records of ACCUMULATOR_WORDS(elements) words, for as long as this is used.
 * @returns false if an argument is out of its range; the accumulator cannot be used then.
 */
bool accumulatorStart(Accumulator *accumulator, uint32_t elements, uint32_t rate_Hz, int64_t *queue, uint32_t capacity);

/**
 * Takes frames in the order of time, any number at once.
 * @param samples v1, i1, v2, i2 ... of each frame, with the middle of the converter's range at 0.
 */
void accumulatorFeed(Accumulator *accumulator, const int16_t *samples, size_t frames);

/**
 * To be told, at its place in the stream, when frames are missing. They count as lost cycles, a part of one as one, and
 * the open cycle's record tells. It goes on with the samples that follow, so that no record is shorter than others.
 */
void accumulatorLose(Accumulator *accumulator, uint32_t frames);

/** Takes the oldest record out of the queue; sums of absent elements are 0. @returns false if it is empty. */
bool accumulatorTake(Accumulator *accumulator, AccumulatorCycle *cycle);

#endif

// See accumulator.h. A cycle ends where the first element's voltage rises through its mean, or, without a voltage, when
// it is as long as a cycle of 40 Hz.
//
// Bounds: a cycle has at most 400 samples of at most 2^15. So a sum of codes is below 2^24, one of products below 2^39,
// and one of products in Q8 below 2^47. All divisions round to zero, or, where said, to the nearest; both are symmetric
// in sign, so that import and export are treated alike.
#include "accumulator.h"

/** A cycle is no shorter and no longer than one of these frequencies. */
#define CYCLE_HZ_MAX 70
#define CYCLE_HZ_MIN 40
/** Until a period has been measured. */
#define NOMINAL_HZ 50

/**
 * How far the voltage must have been below its mean before it can cross, codes: above an idle converter's noise at
 * least, and from rms/16 to rms/8 of the cycle before, above what harmonics and noise make of a slow crossing.
 */
#define HYSTERESIS_MIN 8
#define HYSTERESIS_MAX 2048
/** 16^2, since squares are compared. */
#define HYSTERESIS_PART_SQUARED 256

/** The mean follows a step of the offset within some cycles, the period one of the frequency in a third of a second. */
#define MEAN_SMOOTHING 4
#define PERIOD_SMOOTHING 16

enum { SUM_V, SUM_I, SUM_VV, SUM_II, SUM_VI, SUM_QI };

/** The count stays at its end instead of beginning again. */
static void addLost(Accumulator *a, uint32_t cycles)
{
	a->lost = cycles > UINT32_MAX - a->lost ? UINT32_MAX : a->lost + cycles;
}

/** To the nearest, halves away from 0. */
static int64_t roundQ8(int64_t value_Q8)
{
	return (value_Q8 < 0 ? value_Q8 - 128 : value_Q8 + 128) / 256;
}

static void setDelay(Accumulator *a)
{
	// A quarter, from Q16 to Q8, to the nearest. The period is at most 400 samples, so the delay at most 100.
	const int32_t quarter_Q8 = (a->period_Q16 + 512) / 1024;

	a->delay = (uint32_t)(quarter_Q8 / 256);
	a->delayLeft_Q8 = quarter_Q8 % 256;
}

bool accumulatorStart(Accumulator *a, uint32_t elements, uint32_t rate_Hz, int64_t *queue, uint32_t capacity)
{
	static const Accumulator blank;

	if (elements < 1 || elements > ACCUMULATOR_ELEMENTS_MAX || !queue || capacity < 1)
		return false;
	if (rate_Hz < ACCUMULATOR_RATE_HZ_MIN || rate_Hz > ACCUMULATOR_RATE_HZ_MAX)
		return false;
	*a = blank;
	a->elements = elements;
	a->samplesMin = rate_Hz / CYCLE_HZ_MAX;
	a->samplesMax = rate_Hz / CYCLE_HZ_MIN;
	a->queue = queue;
	a->capacity = capacity;
	a->low_Q8 = -HYSTERESIS_MIN * 256;
	a->period_Q16 = (int32_t)(rate_Hz * 65536 / NOMINAL_HZ);
	setDelay(a);
	return true;
}

/** Puts the open cycle into the queue, or counts it as lost. */
static void queueCycle(Accumulator *a)
{
	const uint32_t at = (uint32_t)(((uint64_t)a->first + a->queued) % a->capacity);
	int64_t *record = a->queue + (size_t)at * ACCUMULATOR_WORDS(a->elements);

	if (a->queued == a->capacity) {
		addLost(a, 1);
		return;
	}
	*record++ = a->samples;
	*record++ = a->lost;
	for (uint32_t element = 0; element < a->elements; element++) {
		for (int sum = SUM_V; sum < SUM_QI; sum++)
			*record++ = a->sums[element][sum];
		*record++ = roundQ8(a->sums[element][SUM_QI]);
	}
	a->queued++;
	a->lost = 0;
}

/** Of a cycle between two crossings, which are known to a fraction of a sample: so its length is, too. */
static void measurePeriod(Accumulator *a, int32_t nextPhase_Q8)
{
	const int32_t period_Q16 = ((int32_t)a->samples * 256 + a->phase_Q8 - nextPhase_Q8) * 256;

	a->period_Q16 = a->isSmoothed ? a->period_Q16 + (period_Q16 - a->period_Q16) / PERIOD_SMOOTHING : period_Q16;
	a->isSmoothed = true;
}

/** Where the voltage crosses in the next cycle, and how low it must have been before, from the open one. */
static void setLevels(Accumulator *a)
{
	const int64_t sum = a->sums[0][SUM_V];
	const int64_t samples = a->samples;
	// The variance times samples^2, below 2^48.
	const int64_t variance = samples * a->sums[0][SUM_VV] - sum * sum;
	const int64_t part = HYSTERESIS_PART_SQUARED * samples * samples;
	int32_t hysteresis = HYSTERESIS_MIN;

	while (hysteresis < HYSTERESIS_MAX && part * hysteresis * hysteresis < variance)
		hysteresis *= 2;
	a->mean_Q8 += ((int32_t)(sum * 256 / samples) - a->mean_Q8) / MEAN_SMOOTHING;
	a->low_Q8 = a->mean_Q8 - hysteresis * 256;
}

/** Ends the open cycle and begins the next. @param phase_Q8 from the crossing to the next cycle's first sample. */
static void closeCycle(Accumulator *a, bool isCrossing, int32_t phase_Q8)
{
	if (isCrossing && a->isTimed)
		measurePeriod(a, phase_Q8);
	// After a while without a voltage the next measured period is taken as it is: it may be another mains.
	if (!isCrossing)
		a->isSmoothed = false;
	setDelay(a);
	setLevels(a);
	queueCycle(a);
	for (uint32_t element = 0; element < a->elements; element++)
		for (int sum = 0; sum < ACCUMULATOR_SUMS; sum++)
			a->sums[element][sum] = 0;
	a->samples = 0;
	a->isTimed = isCrossing;
	a->phase_Q8 = phase_Q8;
	a->isArmed = false;
}

/**
 * Looks for the end of the open cycle: the first sample at or above the mean after a low one, if enough samples are in
 * it; that sample is the next cycle's first. What crosses earlier is a disturbance and is passed over.
 * @param phase_Q8 from the crossing to that sample; left alone if there is none.
 * @returns how many of the frames belong to the open cycle, at most as many as it can still take.
 */
static size_t findCrossing(Accumulator *a, const int16_t *samples, size_t frames, bool *isCrossing, int32_t *phase_Q8)
{
	const size_t channels = 2 * (size_t)a->elements;
	const size_t room = a->samplesMax - a->samples;
	const size_t most = frames < room ? frames : room;
	const int32_t mean_Q8 = a->mean_Q8;
	const int32_t low_Q8 = a->low_Q8;
	int32_t last_Q8 = a->last_Q8;
	bool isArmed = a->isArmed;
	size_t count;

	*isCrossing = false;
	for (count = 0; count < most; count++) {
		const int32_t v_Q8 = *samples * 256;

		if (v_Q8 < low_Q8)
			isArmed = true;
		else if (isArmed && v_Q8 >= mean_Q8) {
			isArmed = false;
			if (a->samples + count >= a->samplesMin) {
				// The sample before is below the mean: it came after the low one and did not cross.
				*phase_Q8 = 256 - (mean_Q8 - last_Q8) / ((v_Q8 - last_Q8) / 256);
				*isCrossing = true;
				break;
			}
		}
		last_Q8 = v_Q8;
		samples += channels;
	}
	a->last_Q8 = last_Q8;
	a->isArmed = isArmed;
	return count;
}

/** Adds frames of the open cycle, at most as many as it can still take, to the sums of an element. */
static void addFrames(Accumulator *a, uint32_t element, const int16_t *samples, size_t frames)
{
	const size_t channels = 2 * (size_t)a->elements;
	const int32_t delayLeft_Q8 = a->delayLeft_Q8;
	int16_t *history = a->history[element];
	int64_t *sums = a->sums[element];
	// Unsigned, so that they may run round.
	uint32_t place = a->place;
	uint32_t delayed = place - a->delay;
	int32_t older = history[(delayed - 1) % ACCUMULATOR_HISTORY];
	int32_t vSum = 0, iSum = 0;
	int64_t vv = 0, ii = 0, vi = 0, qi_Q8 = 0;

	for (; frames > 0; frames--) {
		const int32_t v = samples[0];
		const int32_t i = samples[1];
		const int32_t newer = history[delayed % ACCUMULATOR_HISTORY];

		history[place % ACCUMULATOR_HISTORY] = samples[0];
		vSum += v;
		iSum += i;
		vv += v * v;
		ii += i * i;
		vi += v * i;
		qi_Q8 += (int64_t)(newer * 256 + (older - newer) * delayLeft_Q8) * i;
		older = newer;
		delayed++;
		place++;
		samples += channels;
	}
	sums[SUM_V] += vSum;
	sums[SUM_I] += iSum;
	sums[SUM_VV] += vv;
	sums[SUM_II] += ii;
	sums[SUM_VI] += vi;
	sums[SUM_QI] += qi_Q8;
}

void accumulatorFeed(Accumulator *a, const int16_t *samples, size_t frames)
{
	const size_t channels = 2 * (size_t)a->elements;

	// Each turn takes a frame or, at most once before the next frame, ends a cycle.
	while (frames > 0) {
		bool isCrossing;
		int32_t phase_Q8 = 0;
		const size_t count = findCrossing(a, samples, frames, &isCrossing, &phase_Q8);

		for (uint32_t element = 0; element < a->elements; element++)
			addFrames(a, element, samples + 2 * (size_t)element, count);
		a->place = (a->place + (uint32_t)count) % ACCUMULATOR_HISTORY;
		a->samples += (uint32_t)count;
		samples += count * channels;
		frames -= count;
		if (isCrossing || a->samples == a->samplesMax)
			closeCycle(a, isCrossing, phase_Q8);
	}
}

void accumulatorLose(Accumulator *a, uint32_t frames)
{
	const uint32_t period = (uint32_t)(a->period_Q16 / 65536);

	if (frames == 0)
		return;
	addLost(a, frames / period + (frames % period != 0));
	a->isTimed = false;
	a->isArmed = false;
}

bool accumulatorTake(Accumulator *a, AccumulatorCycle *cycle)
{
	static const AccumulatorCycle blank;
	const int64_t *record;

	if (a->queued == 0)
		return false;
	record = a->queue + (size_t)a->first * ACCUMULATOR_WORDS(a->elements);
	*cycle = blank;
	cycle->samples = (uint32_t)*record++;
	cycle->lost = (uint32_t)*record++;
	for (uint32_t element = 0; element < a->elements; element++)
		for (int sum = 0; sum < ACCUMULATOR_SUMS; sum++)
			cycle->sums[element][sum] = *record++;
	a->first = (a->first + 1) % a->capacity;
	a->queued--;
	return true;
}

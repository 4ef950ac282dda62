/*
 * Builders that are nothing but counts: the model of src/explorer/counts-space.ts, in Promela.
 *
 *   spin -a -DBUILDERS=2 -DUNITS=600 -DFREE=900 -DCLAIM=0 builders.pml
 *
 * One builder's step is one d_step, so Spin's states are the explorer's states. A builder that is over stays where it
 * is instead of ending, for Spin counts the end of a process as a step of its own. Where nobody can go on, Judge prints
 * who ended how; its step leads back to where it was, so it adds no state (and one transition for each end state).
 */
#define STARTED 1
#define LATE 2
#define REFUSED 3

short free = FREE;
short claims = 0;
short got[BUILDERS];
byte ended[BUILDERS];

active [BUILDERS] proctype Builder()
{
#if CLAIM
	if
	:: d_step { UNITS <= free - claims -> claims = claims + UNITS }
	:: d_step { UNITS > free - claims -> ended[_pid] = REFUSED }; goto over
	fi;
#endif
alloc:
#if CLAIM
	if
	:: d_step { claims > 0 -> claims--; free-- }
	fi;
#else
	if
	:: d_step { free - claims >= 1 -> free-- }
	:: d_step { free - claims < 1 -> skip }; goto release
	fi;
#endif
	if
	:: d_step { got[_pid] + 1 < UNITS -> got[_pid]++ }; goto alloc
	:: d_step { got[_pid] + 1 == UNITS -> got[_pid]++; ended[_pid] = STARTED }; goto over
	fi;
#if !CLAIM
release:
	if
	:: d_step { true -> free = free + got[_pid]; got[_pid] = 0; ended[_pid] = LATE }
	fi;
#endif
over:
end:	(false)
}

active proctype Judge()
{
end:	do
	:: d_step {
		timeout ->
		c_code {
			int b;
			printf("end:");
			for (b = 0; b < BUILDERS; b++) printf(" %d", now.ended[b]);
			printf("\n");
		}
	}
	od
}

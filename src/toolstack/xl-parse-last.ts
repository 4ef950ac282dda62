/** The keys xl reads last. Models the end of parse_config_data(), tools/xl/xl_parse.c. */
import { GIC_VERSIONS, TEE_TYPES } from './libxl-types-domain.ts';
import { parseVkb } from './xl-parse-fb.ts';
import { die, enumFromString, type ParseState, readDefbool, readString, say } from './xl-parse-state.ts';

/** Reads gic_version, tee, vkb, and what follows them. */
export function parseLast(state: ParseState): void {
  const { cInfo, bInfo } = state.config;
  const gic = readString(state, 'gic_version', 'quiet');
  if (gic !== null) {
    const version = enumFromString(GIC_VERSIONS, gic);
    if (version === undefined) die(state, `Unknown gic_version "${gic}" specified`, 3);
    bInfo.archArm.gicVersion = version;
  }
  const tee = readString(state, 'tee', 'quiet');
  if (tee !== null) {
    const type = enumFromString(TEE_TYPES, tee);
    if (type === undefined) die(state, `Unknown tee "${tee}" specified`, 3);
    bInfo.tee = type;
  }
  parseVkb(state);
  cInfo.xendSuspendEvtchnCompat = readDefbool(state, 'xend_suspend_evtchn_compat');
  bInfo.archX86.msrRelaxed = readDefbool(state, 'msr_relaxed');
  if (bInfo.archX86.msrRelaxed !== null) {
    say(
      state,
      'WARNING: msr_relaxed will be removed in future versions.\n' +
        'If it fixes an issue you are having please report to xen-devel@lists.xenproject.org.\n',
    );
  }
  bInfo.vpmu = readDefbool(state, 'vpmu');
}

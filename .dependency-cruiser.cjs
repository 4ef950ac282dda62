// The layer rules of docs/architecture.md: imports point down only.
const layer = (name, allowed, why) => ({
  name,
  severity: 'error',
  comment: why,
  from: { path: `^src/${name}/` },
  to: { path: '.', pathNot: allowed },
});

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    layer(
      'hypervisor',
      ['^src/hypervisor/'],
      'Xen is pure: it imports only itself, no package and no node module',
    ),
    layer(
      'toolstack',
      ['^src/toolstack/', '^src/hypervisor/(privcmd|units|errno|bug)\\.ts$'],
      'real libxl cannot touch the heap either: the toolstack knows the hypervisor by its door alone',
    ),
    layer(
      'explorer',
      ['^src/explorer/', '^src/toolstack/', '^src/hypervisor/', 'node_modules/(yaml|valibot|pure-rand)/'],
      'the explorer decides who runs next; files, clocks and terminals live in cli',
    ),
    {
      name: 'nobody-imports-cli',
      severity: 'error',
      from: { path: '^src/(hypervisor|toolstack|explorer)/' },
      to: { path: '^src/cli/' },
    },
    {
      name: 'no-vague-files',
      severity: 'error',
      comment: 'a file is named after the thing it holds',
      from: {},
      to: { path: '^src/.*/(index|utils|helpers|types)\\.ts$' },
    },
    { name: 'no-unresolved', severity: 'error', from: { path: '^src' }, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
    },
  },
};

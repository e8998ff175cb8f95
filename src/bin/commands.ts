/** The commands of `./pegasus`, as its help shows them. The launcher has the same names; a test compares. */
export const COMMANDS: ReadonlyMap<string, string> = new Map([
  [
    'onebox',
    'a whole cluster on this machine: start, status, stop, clear, and faults to play with',
  ],
  ['meta', 'one meta server'],
  ['replica', 'one replica server'],
  ['shell', 'read, write and look around, interactively or one command'],
  ['bench', 'load a cluster and measure it'],
  ['sim', 'run a whole cluster deterministically from seeds, with faults'],
  ['chaos', 'run a cluster of real processes under real faults, and judge it'],
  ['test', 'everything that CI runs'],
]);

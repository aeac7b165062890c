// `errand completion`: scripts that ask this program what may come next.

import { CommandError } from "../command_error.ts";
import { EXIT, type ExitCode } from "../exit_codes.ts";
import type { Session } from "../session.ts";

/** Where nothing is known they offer files. That of zsh is also one for `fpath`. */
const SCRIPTS: Record<string, string> = {
  bash: `_errand() {
  local IFS=$'\\n'
  COMPREPLY=($(errand __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  if [ \${#COMPREPLY[@]} -eq 0 ]; then compopt -o default 2>/dev/null; fi
}
complete -F _errand errand
`,
  zsh: `#compdef errand
_errand() {
  local -a found
  found=(\${(f)"$(errand __complete "\${words[@]:1:$((CURRENT - 1))}" 2>/dev/null)"})
  if (( \${#found} )); then compadd -- "\${found[@]}"; else _files; fi
}
if [ "$funcstack[1]" = _errand ]; then _errand "$@"; else compdef _errand errand; fi
`,
  fish: `function __errand_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l found (errand __complete $words[2..-1] 2>/dev/null)
  if test (count $found) -gt 0
    printf '%s\\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c errand -f -a '(__errand_complete)'
`,
};

export function completion({ io }: Session, shell: string): Promise<ExitCode> {
  if (!Object.hasOwn(SCRIPTS, shell)) {
    throw new CommandError(`the shell must be bash, zsh or fish; it is ${JSON.stringify(shell)}`);
  }
  io.out(SCRIPTS[shell]);
  return Promise.resolve(EXIT.done);
}

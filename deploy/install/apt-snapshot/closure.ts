/**
 * Which of the packages that apt would install must be unpacked to start `name` through its own loader: itself
 * and shared libraries. What else it depends on (an init system, tools found by PATH) the system has in its own version.
 */
export function libraryClosure(simulatedInstall: string, name: string): readonly string[] {
  const planned = [...simulatedInstall.matchAll(/^Inst (\S+)/gm)].map(([, planned = ""]) => planned);
  return planned.filter((planned) => planned === name || isSharedLibrary(planned));
}

function isSharedLibrary(name: string): boolean {
  return name.startsWith("lib") && !/^lib(systemd|udev|c-gconv|pam|c-bin|c-l10n)|-(bin|perl|common|data)$/.test(name);
}

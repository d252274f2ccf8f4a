import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** `held`: something else freezes and thaws it just now; it is ended only. */
export type FenceMark = "free" | "held";

export interface Deadline {
  /** By the boot clock. */
  freezeAtMs: number;
  endAtMs: number;
  term: string;
}

/** What `fence.sh` is told, and tells: files on a tmpfs, so that they are gone with the servers after a power cut. */
export class FenceFolder {
  readonly path: string;
  readonly #marks = new Map<string, FenceMark>();

  constructor(path: string) {
    this.path = path;
    // The run folder may be made here first, and a server's own root has to pass through it to what else is in it.
    mkdirSync(dirname(path), { recursive: true, mode: 0o711 });
    mkdirSync(path, { recursive: true, mode: 0o711 });
    for (const name of ["servers", "frozen", "ended"]) mkdirSync(join(path, name), { recursive: true, mode: 0o700 });
    for (const uid of readdirSync(join(path, "servers"))) this.#marks.set(uid, "held");
  }

  /** Before anything of the server runs. Written at once: the next line may start it. */
  arm(uid: string, mark: FenceMark): void {
    if (this.#marks.get(uid) === mark) return;
    writeFileSync(join(this.path, "servers", uid), `${mark}\n`, { mode: 0o600 });
    this.#marks.set(uid, mark);
  }

  disarm(uid: string): void {
    if (!this.#marks.delete(uid)) return;
    for (const name of ["servers", "ended"]) rmSync(join(this.path, name, uid), { force: true });
  }

  isArmed(uid: string): boolean {
    return this.#marks.has(uid);
  }

  get armedCount(): number {
    return this.#marks.size;
  }

  /** Whether it was ended since this was asked last. */
  takeEnded(uid: string): boolean {
    const file = join(this.path, "ended", uid);
    if (!existsSync(file)) return false;
    rmSync(file);
    return true;
  }

  get deadline(): Deadline | undefined {
    const file = join(this.path, "deadline");
    if (!existsSync(file)) return undefined;
    const [freezeAt = "", endAt = "", term = ""] = readFileSync(file, "utf8").trim().split(" ");
    return { freezeAtMs: Number(freezeAt) * 10, endAtMs: Number(endAt) * 10, term };
  }

  set deadline({ freezeAtMs, endAtMs, term }: Deadline) {
    const file = join(this.path, "deadline");
    // Hundredths: what a shell can count, and what the kernel says.
    writeFileSync(`${file}.new`, `${Math.floor(freezeAtMs / 10)} ${Math.floor(endAtMs / 10)} ${term}\n`, {
      mode: 0o600,
    });
    renameSync(`${file}.new`, file);
  }
}

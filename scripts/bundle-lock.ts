/** One entry of npm's lock file (version 3), as far as it is read here; the rest is kept as it is. */
interface Locked {
  readonly version?: string;
  readonly link?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

export interface LockFile {
  readonly lockfileVersion: number;
  readonly packages: Readonly<Record<string, Locked>>;
}

interface BundlePackage {
  readonly name: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

/**
 * The lock file of a bundle: the part of the project's own that the bundle's packages need, at the same
 * places and in the same versions. So what is installed beside a bundle is what its tests ran with. @throws
 * Error when the project's lock file lacks a package
 */
export function bundleLock(project: LockFile, bundle: BundlePackage): LockFile & { readonly name: string } {
  const { lockfileVersion, packages } = project;
  const wanted = new Set<string>();
  const open = Object.keys(bundle.dependencies).map((name) => demand(packages, "", name));
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    if (wanted.has(place)) continue;
    wanted.add(place);
    open.push(...neighboursOf(packages, place));
  }
  const kept = [...wanted].sort().map((place): [string, Locked] => [place, packages[place] ?? {}]);
  return {
    name: bundle.name,
    lockfileVersion,
    packages: { "": bundle, ...Object.fromEntries(kept) },
  };
}

function neighboursOf(packages: LockFile["packages"], place: string): string[] {
  const {
    dependencies = {},
    optionalDependencies = {},
    peerDependencies = {},
    peerDependenciesMeta: peers = {},
  } = packages[place] ?? {};
  const optional = Object.keys(optionalDependencies).flatMap(
    (name) => findLocked(packages, place, name) ?? [],
  );
  const needed = [
    ...Object.keys(dependencies).filter((name) => !(name in optionalDependencies)),
    ...Object.keys(peerDependencies).filter((name) => peers[name]?.optional !== true),
  ];
  return [...optional, ...needed.map((name) => demand(packages, place, name))];
}

function demand(packages: LockFile["packages"], from: string, name: string): string {
  const place = findLocked(packages, from, name);
  if (place === undefined) throw new Error(`package-lock.json has no ${name} for ${from || "the bundle"}.`);
  return place;
}

/** Where Node looks a package up: beside the one that needs it, then a folder further out each time. */
export function findLocked(packages: LockFile["packages"], from: string, name: string): string | undefined {
  for (let place = from; ; place = place.slice(0, Math.max(0, place.lastIndexOf("/node_modules/")))) {
    const candidate = `${place === "" ? "" : `${place}/`}node_modules/${name}`;
    if (packages[candidate] !== undefined) return candidate;
    if (place === "") return undefined;
  }
}

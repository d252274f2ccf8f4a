import type { User } from "./authentication.ts";

const adminGroups: readonly string[] = ["vfleet:admins", "system:masters"];
const readVerbs: readonly string[] = ["get", "list", "watch"];
/** Reading them acts on a server. */
const powerfulSubresources: readonly string[] = ["exec", "attach", "console", "archive"];

/** What a request wants, in the words of Kubernetes' access reviews. */
export interface AccessRequest {
  verb: string;
  group?: string | undefined;
  resource?: string | undefined;
  subresource?: string | undefined;
}

/** Admins may do everything; who is known may read. */
export function isAllowed(user: User, access: AccessRequest): boolean {
  if (user.groups.some((group) => adminGroups.includes(group))) return true;
  if (!user.groups.includes("system:authenticated")) return false;
  if (access.group === "authorization.k8s.io" || access.group === "authentication.k8s.io")
    return access.verb === "create";
  return readVerbs.includes(access.verb) && !powerfulSubresources.includes(access.subresource ?? "");
}

/** The same as rules, for `auth can-i --list`. */
export function rulesOf(user: User): { resourceRules: object[]; nonResourceRules: object[] } {
  const reviews = {
    verbs: ["create"],
    apiGroups: ["authorization.k8s.io", "authentication.k8s.io"],
    resources: ["selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"],
  };
  const admin = user.groups.some((group) => adminGroups.includes(group));
  return {
    resourceRules: admin
      ? [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }, reviews]
      : [{ verbs: [...readVerbs], apiGroups: ["*"], resources: ["*"] }, reviews],
    nonResourceRules: [
      {
        verbs: ["get"],
        nonResourceURLs: admin
          ? ["*"]
          : [
              "/api",
              "/api/*",
              "/apis",
              "/apis/*",
              "/openapi/*",
              "/version",
              "/healthz",
              "/livez",
              "/readyz",
              "/metrics",
            ],
      },
    ],
  };
}

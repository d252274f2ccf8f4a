import { checkpointKind, virtualServerKind, type Kind } from "@vfleet/shared";

/** A resource that discovery names and that isn't a stored object of its own. */
export interface ExtraResource {
  name: string;
  singularName?: string;
  namespaced: boolean;
  kind: string;
  verbs: readonly string[];
}

export const extraGroups: readonly { group: string; version: string; resources: readonly ExtraResource[] }[] = [
  {
    group: "authorization.k8s.io",
    version: "v1",
    resources: [
      {
        name: "selfsubjectaccessreviews",
        singularName: "selfsubjectaccessreview",
        namespaced: false,
        kind: "SelfSubjectAccessReview",
        verbs: ["create"],
      },
      {
        name: "selfsubjectrulesreviews",
        singularName: "selfsubjectrulesreview",
        namespaced: false,
        kind: "SelfSubjectRulesReview",
        verbs: ["create"],
      },
    ],
  },
  {
    group: "authentication.k8s.io",
    version: "v1",
    resources: [
      {
        name: "selfsubjectreviews",
        singularName: "selfsubjectreview",
        namespaced: false,
        kind: "SelfSubjectReview",
        verbs: ["create"],
      },
    ],
  },
  {
    group: "metrics.k8s.io",
    version: "v1beta1",
    resources: [{ name: "nodes", namespaced: false, kind: "NodeMetrics", verbs: ["get", "list"] }],
  },
  {
    group: "metrics.vfleet.dev",
    version: "v1",
    resources: [{ name: "virtualservers", namespaced: true, kind: "VirtualServerMetrics", verbs: ["get", "list"] }],
  },
];

/** What stands under an object of the kind: `status`, and what goes to a running server. */
export function kindSubresources(kind: Kind): readonly ExtraResource[] {
  const status: readonly ExtraResource[] = kind.statusSubresource
    ? [{ name: "status", namespaced: kind.namespaced, kind: kind.kind, verbs: ["get", "patch", "update"] }]
    : [];
  if (kind.plural === checkpointKind.plural)
    return [...status, { name: "archive", namespaced: true, kind: kind.kind, verbs: ["create", "get"] }];
  if (kind.plural !== virtualServerKind.plural) return status;
  return [
    ...status,
    { name: "exec", namespaced: true, kind: "VirtualServerExecOptions", verbs: ["create", "get"] },
    { name: "log", namespaced: true, kind: kind.kind, verbs: ["get"] },
  ];
}

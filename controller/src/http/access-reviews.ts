import { z } from "zod";
import type { User } from "./authentication.ts";
import { isAllowed, rulesOf } from "./authorization.ts";
import { badRequest } from "./status.ts";

const attributes = z.looseObject({
  verb: z.string().optional(),
  group: z.string().optional(),
  resource: z.string().optional(),
  subresource: z.string().optional(),
  namespace: z.string().optional(),
  name: z.string().optional(),
});
const accessReviewSchema = z.looseObject({
  spec: z.looseObject({
    resourceAttributes: attributes.optional(),
    nonResourceAttributes: z.looseObject({ path: z.string().optional(), verb: z.string().optional() }).optional(),
  }),
});

/** The reviews by which a client asks what it may do, by plural: body -> answered object. */
export const accessReviews: Readonly<Record<string, (body: unknown, user: User) => object>> = {
  selfsubjectaccessreviews: (body, user) => {
    const result = accessReviewSchema.safeParse(body);
    if (!result.success)
      throw badRequest(`SelfSubjectAccessReview: ${z.prettifyError(result.error).replaceAll("\n", "; ")}`);
    const { spec } = result.data;
    const asked = spec.resourceAttributes ?? { verb: spec.nonResourceAttributes?.verb };
    const allowed = isAllowed(user, {
      verb: asked.verb ?? "",
      group: asked.group,
      resource: asked.resource,
      subresource: asked.subresource,
    });
    return review("authorization.k8s.io/v1", "SelfSubjectAccessReview", {
      spec,
      status: { allowed, ...(allowed ? {} : { denied: false, reason: `user "${user.name}" may only read` }) },
    });
  },
  selfsubjectrulesreviews: (_body, user) =>
    review("authorization.k8s.io/v1", "SelfSubjectRulesReview", {
      spec: {},
      status: { ...rulesOf(user), incomplete: false },
    }),
  selfsubjectreviews: (_body, user) =>
    review("authentication.k8s.io/v1", "SelfSubjectReview", {
      status: { userInfo: { username: user.name, groups: user.groups } },
    }),
};

function review(apiVersion: string, kind: string, rest: object): object {
  return { kind, apiVersion, metadata: { creationTimestamp: null }, ...rest };
}

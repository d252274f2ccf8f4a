/** `ImageFetching: fetching image`: a status' reason and message, as far as it has them. */
export function reasonText({ reason, message }: { reason?: string | undefined; message?: string | undefined }): string {
  return [reason, message].filter((text) => text !== undefined && text !== "").join(": ");
}

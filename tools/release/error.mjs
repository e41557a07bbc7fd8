/** Something that the person who publishes can put right. The message says what to do. */
export class PublishError extends Error {}

/**
 * List prices of us-east-1 in US dollars, as docs/deploy.md has them; AWS's own pages are right where they differ.
 * Source: aws.amazon.com/lambda/pricing, /sqs/pricing, /s3/pricing, /dynamodb/pricing/on-demand, 2025.
 */
export const prices = {
  /** arm64, for a gibibyte of memory. */
  lambdaGibibyteSecond: 0.0000133334,
  lambdaRequest: 0.2e-6,
  sqsRequest: 0.4e-6,
  s3Write: 5e-6,
  s3Read: 0.4e-6,
  dynamodbWrite: 0.625e-6,
} as const;

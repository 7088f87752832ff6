/** What documents and queries are made of. Pure values: whoever decides what is stored may use them. */
export { AggregateField, FieldPath, FieldValue, Filter, Timestamp } from "@google-cloud/firestore";

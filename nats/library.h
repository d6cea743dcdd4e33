/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The NATS client library, loaded when it is first needed: with what it needs of TLS it takes as
 * long to load as the rest of the program, which most commands would do for nothing.
 *
 * This header stands in for <nats/nats.h>, with the same names.  A function that is called and not
 * listed here is missing when the program is linked.
 */
#ifndef SL_NATS_LIBRARY_H
#define SL_NATS_LIBRARY_H

#include <stdbool.h>

#include <nats/nats.h>

#include <strandline/error.h>

/* clang-format off */
#define SL_NATS_FUNCTIONS(F) \
    F(jsConsumerConfig_Init) F(jsConsumerInfo_Destroy) F(jsCtx_Destroy) F(jsOptions_Init) \
    F(jsStreamConfig_Init) F(jsStreamNamesList_Destroy) F(js_AddConsumer) F(js_AddStream) \
    F(js_DeleteStream) F(js_GetConsumerInfo) F(js_GetMsg) F(js_StreamNames) \
    F(natsConnection_Close) F(natsConnection_Connect) F(natsConnection_Destroy) \
    F(natsConnection_FlushTimeout) F(natsConnection_GetStats) F(natsConnection_JetStream) \
    F(natsConnection_Publish) F(natsConnection_PublishMsg) F(natsConnection_PublishRequest) \
    F(natsConnection_PublishString) F(natsConnection_Status) F(natsConnection_Subscribe) \
    F(natsConnection_SubscribeSync) F(natsInbox_Create) F(natsInbox_Destroy) \
    F(natsMsgHeader_Get) F(natsMsgHeader_Set) F(natsMsg_Create) F(natsMsg_Destroy) \
    F(natsMsg_GetData) F(natsMsg_GetDataLength) F(natsMsg_GetReply) F(natsMsg_GetSubject) \
    F(natsOptions_Create) F(natsOptions_Destroy) F(natsOptions_LoadCATrustedCertificates) \
    F(natsOptions_LoadCertificatesChain) F(natsOptions_SetCustomReconnectDelay) \
    F(natsOptions_SetErrorHandler) F(natsOptions_SetIOBufSize) F(natsOptions_SetMaxReconnect) \
    F(natsOptions_SetName) F(natsOptions_SetReconnectWait) F(natsOptions_SetSecure) \
    F(natsOptions_SetSendAsap) F(natsOptions_SetServers) F(natsOptions_SetTimeout) \
    F(natsOptions_SetUserCredentialsFromFiles) F(natsOptions_SetWriteDeadline) \
    F(natsOptions_UseOldRequestStyle) F(natsStatistics_Create) F(natsStatistics_Destroy) \
    F(natsStatistics_GetCounts) F(natsStatus_GetText) F(natsSubscription_Destroy) \
    F(natsSubscription_NextMsg) F(natsSubscription_SetPendingLimits) \
    F(natsSubscription_Unsubscribe) F(nats_CloseAndWait) F(nats_GetLastError) \
    F(nats_ReleaseThreadMemory)
/* clang-format on */

struct sl_nats_library {
#define SL_NATS_MEMBER(name) __typeof__(name) *name;
    SL_NATS_FUNCTIONS(SL_NATS_MEMBER)
#undef SL_NATS_MEMBER
};

/* Of no use before sl_nats_load has returned SL_OK. */
extern struct sl_nats_library sl_nats;

/*
 * Load the library; it stays.  From any thread.
 *
 * @return SL_ENOTSUP it cannot be loaded here, or is not the one that this was built with
 */
enum sl_status sl_nats_load(struct sl_error *err);

bool sl_nats_is_loaded(void);

/* clang-format off */
#define jsConsumerConfig_Init sl_nats.jsConsumerConfig_Init
#define jsConsumerInfo_Destroy sl_nats.jsConsumerInfo_Destroy
#define jsCtx_Destroy sl_nats.jsCtx_Destroy
#define jsOptions_Init sl_nats.jsOptions_Init
#define jsStreamConfig_Init sl_nats.jsStreamConfig_Init
#define jsStreamNamesList_Destroy sl_nats.jsStreamNamesList_Destroy
#define js_AddConsumer sl_nats.js_AddConsumer
#define js_AddStream sl_nats.js_AddStream
#define js_DeleteStream sl_nats.js_DeleteStream
#define js_GetConsumerInfo sl_nats.js_GetConsumerInfo
#define js_GetMsg sl_nats.js_GetMsg
#define js_StreamNames sl_nats.js_StreamNames
#define natsConnection_Close sl_nats.natsConnection_Close
#define natsConnection_Connect sl_nats.natsConnection_Connect
#define natsConnection_Destroy sl_nats.natsConnection_Destroy
#define natsConnection_FlushTimeout sl_nats.natsConnection_FlushTimeout
#define natsConnection_GetStats sl_nats.natsConnection_GetStats
#define natsConnection_JetStream sl_nats.natsConnection_JetStream
#define natsConnection_Publish sl_nats.natsConnection_Publish
#define natsConnection_PublishMsg sl_nats.natsConnection_PublishMsg
#define natsConnection_PublishRequest sl_nats.natsConnection_PublishRequest
#define natsConnection_PublishString sl_nats.natsConnection_PublishString
#define natsConnection_Status sl_nats.natsConnection_Status
#define natsConnection_Subscribe sl_nats.natsConnection_Subscribe
#define natsConnection_SubscribeSync sl_nats.natsConnection_SubscribeSync
#define natsInbox_Create sl_nats.natsInbox_Create
#define natsInbox_Destroy sl_nats.natsInbox_Destroy
#define natsMsgHeader_Get sl_nats.natsMsgHeader_Get
#define natsMsgHeader_Set sl_nats.natsMsgHeader_Set
#define natsMsg_Create sl_nats.natsMsg_Create
#define natsMsg_Destroy sl_nats.natsMsg_Destroy
#define natsMsg_GetData sl_nats.natsMsg_GetData
#define natsMsg_GetDataLength sl_nats.natsMsg_GetDataLength
#define natsMsg_GetReply sl_nats.natsMsg_GetReply
#define natsMsg_GetSubject sl_nats.natsMsg_GetSubject
#define natsOptions_Create sl_nats.natsOptions_Create
#define natsOptions_Destroy sl_nats.natsOptions_Destroy
#define natsOptions_LoadCATrustedCertificates sl_nats.natsOptions_LoadCATrustedCertificates
#define natsOptions_LoadCertificatesChain sl_nats.natsOptions_LoadCertificatesChain
#define natsOptions_SetCustomReconnectDelay sl_nats.natsOptions_SetCustomReconnectDelay
#define natsOptions_SetErrorHandler sl_nats.natsOptions_SetErrorHandler
#define natsOptions_SetIOBufSize sl_nats.natsOptions_SetIOBufSize
#define natsOptions_SetMaxReconnect sl_nats.natsOptions_SetMaxReconnect
#define natsOptions_SetName sl_nats.natsOptions_SetName
#define natsOptions_SetReconnectWait sl_nats.natsOptions_SetReconnectWait
#define natsOptions_SetSecure sl_nats.natsOptions_SetSecure
#define natsOptions_SetSendAsap sl_nats.natsOptions_SetSendAsap
#define natsOptions_SetServers sl_nats.natsOptions_SetServers
#define natsOptions_SetTimeout sl_nats.natsOptions_SetTimeout
#define natsOptions_SetUserCredentialsFromFiles sl_nats.natsOptions_SetUserCredentialsFromFiles
#define natsOptions_SetWriteDeadline sl_nats.natsOptions_SetWriteDeadline
#define natsOptions_UseOldRequestStyle sl_nats.natsOptions_UseOldRequestStyle
#define natsStatistics_Create sl_nats.natsStatistics_Create
#define natsStatistics_Destroy sl_nats.natsStatistics_Destroy
#define natsStatistics_GetCounts sl_nats.natsStatistics_GetCounts
#define natsStatus_GetText sl_nats.natsStatus_GetText
#define natsSubscription_Destroy sl_nats.natsSubscription_Destroy
#define natsSubscription_NextMsg sl_nats.natsSubscription_NextMsg
#define natsSubscription_SetPendingLimits sl_nats.natsSubscription_SetPendingLimits
#define natsSubscription_Unsubscribe sl_nats.natsSubscription_Unsubscribe
#define nats_CloseAndWait sl_nats.nats_CloseAndWait
#define nats_GetLastError sl_nats.nats_GetLastError
#define nats_ReleaseThreadMemory sl_nats.nats_ReleaseThreadMemory
/* clang-format on */

#endif

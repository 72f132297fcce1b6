// What the audit chain calls an action, in words.

import { both } from "./words.js";

export const ACTIONS = {
  "account.changed": ["改账号", "account changed"], "account.created": ["建账号", "account created"], "account.link": ["发一次性链接", "one-time link"],
  "alert.reviewed": ["处理告警", "alert reviewed"], "alert.viewed": ["看告警", "alert viewed"], "alerts.viewed": ["看告警列表", "alerts viewed"],
  "audit.verified": ["核对审计链", "audit verified"], "audit.viewed": ["查审计", "audit viewed"],
  "backfill.asked": ["要求补录", "backfill asked"], "backfill.cancelled": ["取消补录", "backfill cancelled"], "backfill.ended": ["补录结束", "backfill ended"],
  backup: ["备份", "backed up"], restore: ["恢复", "restored"], receive: ["收入录像", "recording received"], "import.transcript": ["导入字幕", "transcript imported"],
  "case.opened": ["立案", "case opened"], "case.viewed": ["看案卷", "case viewed"], "case.closed": ["结案", "case closed"], "case.open": ["重开", "case reopened"],
  "case.noted": ["加说明", "note added"], "case.received": ["收入文件", "file received"], "case.ordered": ["排列证据", "exhibits ordered"],
  "case.commented": ["改说明", "comment changed"], "case.withdrawn": ["撤下证据", "exhibit withdrawn"], "case.downloaded": ["下载", "downloaded"], "case.verified": ["核验证据", "exhibit verified"],
  clip: ["截取片段", "clip cut"], export: ["导出", "exported"], play: ["播放", "played"], search: ["检索", "searched"], verify: ["核验", "verified"],
  "demonstration.begun": ["播放演示", "demonstration begun"],
  "hold.place": ["保全", "hold placed"], "hold.lift": ["解除保全", "hold lifted"],
  "keys.new": ["建签名密钥", "signing key made"], "keys.rotate": ["换签名密钥", "signing key rotated"], "keys.revoke": ["撤销签名密钥", "signing key revoked"],
  "key.created": ["建密钥", "key created"], "key.revoked": ["撤销密钥", "key revoked"],
  "measure.asked": ["请求措施", "measure asked"], "measure.answered": ["措施答复", "measure answered"],
  "pack.uploaded": ["上传规则包", "rule pack uploaded"], "pack.tried": ["试算规则包", "rule pack tried"], "pack.activated": ["启用规则包", "rule pack activated"], "pack.deactivated": ["停用规则包", "rule pack deactivated"], "pack.removed": ["删规则包", "rule pack removed"],
  "pictures.viewed": ["看画面", "pictures viewed"], "replay.viewed": ["看回放", "replay viewed"], "retention.delete": ["到期删除", "deleted when due"], "retention.run": ["执行到期删除", "retention run"],
  "retention.class": ["定保存类别", "retention class set"], "retention.ended": ["登记直播结束", "end of a stream noted"], "retention.trade": ["登记交易", "trade noted"],
  "search.save": ["保存检索", "search saved"], "search.delete": ["删除检索", "saved search removed"], watch: ["监看", "watched"],
  "rules.applied": ["新规则用于旧告警", "rules applied"], "rules.changed": ["规则变更", "rules changed"],
  "session.begun": ["登录", "signed in"], "session.ended": ["退出", "signed out"], "session.refused": ["登录被拒", "sign-in refused"],
  "timeline.posted": ["记入时间线", "timeline posted"], "timeline.viewed": ["看时间线", "timeline viewed"], "transcript.viewed": ["看逐句文字", "transcript viewed"],
  "watch.created": ["新增监看", "watch created"], "watch.started": ["开始监看", "watch started"], "watch.stopped": ["停止监看", "watch stopped"], "watch.removed": ["移除监看", "watch removed"],
  "webhook.set": ["设置推送", "webhook set"], "webhook.resent": ["重新推送", "webhook resent"], "webhook.removed": ["删除推送", "webhook removed"],
};

export const actionWords = (kind) => (ACTIONS[kind] ? both(...ACTIONS[kind]) : [kind]);
